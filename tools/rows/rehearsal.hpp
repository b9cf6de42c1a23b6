// What --dry-run does with the rows of a file: reads them all, and says what it found.
#pragma once

#include "datasets/rows.hpp"
#include "tools/rows/training_source.hpp"

namespace cnf {

/// Throws what the reader throws; InputError if there is no row.
void rehearse_rows(const Args& args, RowReader& rows);

/// What is said of a table that is there to be trained on; of a density nothing.
void say_training_rows(const Args& args, const TrainingSource& source);

}  // namespace cnf
