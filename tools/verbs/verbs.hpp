// The verbs of the program, one file each.
#pragma once

#include "tools/cli/verb.hpp"

namespace cnf {

Verb train_verb();
Verb straighten_verb();
Verb sample_verb();
Verb logprob_verb();
Verb density_verb();
Verb evaluate_verb();
Verb compare_verb();
Verb encode_verb();
Verb decode_verb();
Verb info_verb();
Verb data_verb();
Verb gradcheck_verb();
Verb solve_verb();
Verb workprecision_verb();

}  // namespace cnf
