#include "tools/rows/rehearsal.hpp"

#include "base/error.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/output.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/rows/table_warnings.hpp"

namespace cnf {

void rehearse_rows(const Args& args, RowReader& rows) {
  Index count = 0;
  say_notes(args.verb(), rows);
  for (;;) {
    const Index got = next_block(rows).x.cols();
    count += got;
    if (got < block_rows(std::ssize(rows.columns()))) break;
  }
  say_notes(args.verb(), rows);
  if (count == 0) throw InputError(nothing_left(rows));
  if (args.flag("quiet")) return;
  const LeftOut& without = rows.ledger().left_out();
  const std::string left_out = without.all() > 0 ? "; " + without.text() + " left out" : "";
  write_stderr("cnf " + args.verb() + ": would take " + std::to_string(count) + " rows of " +
               listed_columns(rows.columns()) + left_out + '\n');
}

void say_training_rows(const Args& args, const TrainingSource& source) {
  if (source.density || args.flag("quiet")) return;
  const SplitRows& rows = source.rows;
  write_stderr("cnf train: would train on " + std::to_string(rows.train.cols()) + " rows of " +
               listed_columns(source.columns) + ", validate on " + std::to_string(rows.validation.cols()) +
               " and test on " + std::to_string(rows.test.cols()) + '\n');
}

}  // namespace cnf
