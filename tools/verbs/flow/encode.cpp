// cnf encode and cnf decode: along the flow, from the data to the base and back.
#include "tools/rows/row_stream.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

Batch points(Evaluated& block) { return std::move(block.points); }

Work prepare_encode(const Args& args) {
  return prepare_row_stream(args, {.open = open_data_rows,
                                   .columns = base_columns,
                                   .results = points,
                                   .far_out = far_from_data,
                                   .evaluate = [](Evaluator& evaluator, const Samples<double>& x, std::uint64_t) {
                                     return evaluator.encode(x);
                                   }});
}

Work prepare_decode(const Args& args) {
  return prepare_row_stream(args, {.open = open_base_rows,
                                   .columns = [](const Cnf& model) { return model.columns; },
                                   .results = points,
                                   .far_out = far_from_base,
                                   .evaluate = [](Evaluator& evaluator, const Samples<double>& z,
                                                  std::uint64_t) { return evaluator.decode(z); }});
}

}  // namespace

Verb encode_verb() {
  return {.name = "encode",
          .summary = "Carry rows to the base, where a good model makes them normal",
          .examples = {"cnf encode runs/8g --data points.npy -o z.npy"},
          .positionals = {model_argument()},
          .options = row_stream_options("Rows to carry: .npy, .csv, .tsv or .txt; - is CSV from standard input."),
          .prepare = prepare_encode};
}

Verb decode_verb() {
  return {.name = "decode",
          .summary = "Carry rows of the base back to the data, the inverse of encode",
          .examples = {"cnf decode runs/8g --data z.npy -o points.npy"},
          .positionals = {model_argument()},
          .options = row_stream_options("Rows of the base: .npy, .csv, .tsv or .txt; - is CSV from standard input."),
          .prepare = prepare_decode};
}

}  // namespace cnf
