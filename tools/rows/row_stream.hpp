// Rows from a file through a model and out again, block by block: what logprob, encode and decode have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/evaluator.hpp"
#include "tools/cli/args.hpp"
#include "tools/run/failures.hpp"

namespace cnf {

/// --data FILE, --columns --drop --drop-invalid, the output's options, the solver's, --on-error, and the common ones.
std::vector<Option> row_stream_options(const std::string& data_help);
/// One verb's part: how it opens its rows and what it makes of a block, whose first row is number `first`.
struct RowStream {
  std::unique_ptr<RowReader> (*open)(const std::string& file, const Cnf& model, const RowOptions& given);
  std::function<std::vector<std::string>(const Cnf& model)> columns;  ///< of the output
  bool vector = false;                                                ///< the output is one column, (N,)
  std::function<Batch(Evaluated& block)> results;
  FarOut (*far_out)(const Cnf& model, const Batch& block, Index row);
  std::function<Evaluated(Evaluator& evaluator, const Samples<double>& x, std::uint64_t first)> evaluate;
};
/// Refuses a wrong output name, an output that is in the way, a missing model or data file; opens the model.
Work prepare_row_stream(const Args& args, const RowStream& stream);

}  // namespace cnf
