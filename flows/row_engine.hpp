// Rows moved along a flow in tiles, on all threads: what every answer of an Evaluator comes from.
#pragma once

#include <cstdint>
#include <memory>

#include "base/tiles.hpp"
#include "flows/evaluator.hpp"

namespace cnf {

/// Moves a block of rows along the flow, in standardised coordinates.
struct RowEngine {
  RowEngine(const Cnf& m, const EvaluationOptions& o)
      : model(m), options(o), threads(o.threads > 0 ? o.threads : available_threads()) {}
  virtual ~RowEngine() = default;

  /// Carries the points of u (D x N, unit coordinates) from one end to the other, in place; with `q`, its N values
  /// become the integral of the divergence along the way. Rows outside `wanted` may fail.
  virtual void transport(Way way, Batch& u, Tile<double> given, Vector<double>* q, std::uint64_t first,
                         TileRange wanted, Evaluated& result) = 0;

  /// Evaluator::log_prob.
  Evaluated log_prob(const Samples<double>& x, std::uint64_t first);

  Cnf model;
  EvaluationOptions options;
  int threads;
};

/// In the precision that the options say.
std::unique_ptr<RowEngine> make_row_engine(const Cnf& model, const EvaluationOptions& options);

}  // namespace cnf
