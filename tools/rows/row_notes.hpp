// What a reader of rows noticed, as lines on standard error.
#pragma once

#include <string>
#include <vector>

#include "datasets/rows.hpp"

namespace cnf {

/// "cnf train: warning: data.csv: ..." for each; a count of what was passed over is no warning.
void say_notes(const std::string& verb, const std::string& source, const std::vector<RowNote>& notes);

/// All that is new of a reader's.
void say_notes(const std::string& verb, RowReader& rows);

}  // namespace cnf
