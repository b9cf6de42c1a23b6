// cnf logprob: the exact log-density of every row of a file.
#include "tools/rows/row_stream.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

Work prepare_logprob(const Args& args) {
  return prepare_row_stream(args, {.open = open_data_rows,
                                   .columns = [](const Cnf&) { return std::vector<std::string>{"log_prob"}; },
                                   .vector = true,
                                   .results = [](Evaluated& block) -> Batch { return block.log_prob.transpose(); },
                                   .far_out = far_from_data,
                                   .evaluate = [](Evaluator& evaluator, const Samples<double>& x,
                                                  std::uint64_t first) { return evaluator.log_prob(x, first); }});
}

}  // namespace

Verb logprob_verb() {
  return {.name = "logprob",
          .summary = "The log-density of each row of a file",
          .examples = {"cnf logprob runs/8g --data points.npy -o logp.npy",
                       "cnf sample runs/8g -N 5 | cnf logprob runs/8g --data -"},
          .positionals = {model_argument()},
          .options = row_stream_options("Rows to judge: .npy, .csv, .tsv or .txt; - is CSV from standard input."),
          .prepare = prepare_logprob};
}

}  // namespace cnf
