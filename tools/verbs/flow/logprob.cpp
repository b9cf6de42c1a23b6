// cnf logprob: the exact log-density of every row of a file.
#include "tools/cli/shared_options.hpp"
#include "tools/rows/row_stream.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

/// log p, and with the error below it: a row of the output each.
Batch log_prob_and_error(Evaluated& block) {
  Batch both(2, block.log_prob.size());
  both << block.log_prob.transpose(), block.error.transpose();
  return both;
}

Work prepare_logprob(const Args& args) {
  RowStream stream{.open = open_data_rows,
                   .columns = [](const Cnf&) { return std::vector<std::string>{"log_prob"}; },
                   .vector = true,
                   .results = [](Evaluated& block) -> Batch { return block.log_prob.transpose(); },
                   .far_out = far_from_data,
                   .evaluate = [](Evaluator& evaluator, const Samples<double>& x,
                                  std::uint64_t first) { return evaluator.log_prob(x, first); }};
  if (args.flag("with-error")) {
    stream.columns = [](const Cnf&) { return std::vector<std::string>{"log_prob", "log_prob_error"}; };
    stream.vector = false;
    stream.results = log_prob_and_error;
    stream.evaluate = [](Evaluator& evaluator, const Samples<double>& x, std::uint64_t first) {
      return evaluator.log_prob_with_error(x, first);
    };
  }
  return prepare_row_stream(args, stream);
}

}  // namespace

Verb logprob_verb() {
  return {.name = "logprob",
          .summary = "The log-density of each row of a file",
          .examples = {"cnf logprob runs/8g --data points.npy -o logp.npy",
                       "cnf logprob runs/8g --data points.csv --accuracy 1e-3 --with-error",
                       "cnf sample runs/8g -N 5 | cnf logprob runs/8g --data -"},
          .positionals = {model_argument()},
          .options = joined({{{.name = "with-error",
                               .help = "Add the column log_prob_error: how far integration and rounding have put each "
                                       "log p off, by a second solve in double at a thirtieth of the tolerance.",
                               .group = "Output"}},
                             row_stream_options("Rows to judge: .npy, .csv, .tsv or .txt; - is CSV from standard "
                                                "input."),
                             {accuracy_option()}}),
          .prepare = prepare_logprob};
}

}  // namespace cnf
