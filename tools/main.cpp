// The program `cnf`: continuous normalizing flows from the shell.
#include <array>

#include "tools/cli/program.hpp"
#include "tools/verbs/verbs.hpp"

int main(int argc, char** argv) {
  const std::array verbs{cnf::train_verb(),    cnf::sample_verb(),   cnf::logprob_verb(), cnf::density_verb(),
                         cnf::evaluate_verb(), cnf::encode_verb(),   cnf::decode_verb(),  cnf::info_verb(),
                         cnf::data_verb(),     cnf::gradcheck_verb()};
  return cnf::run_program(verbs, argc, argv);
}
