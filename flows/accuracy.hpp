// How to evaluate a model so that its log p is right to so many nats, at the least cost: found by trying.
#pragma once

#include <optional>

#include "flows/evaluator.hpp"

namespace cnf {

/// A way of evaluating a model, with what it was measured to do.
struct MeasuredEvaluation {
  double accuracy = 0;  ///< nats that were asked for
  Way way = Way::to_base;
  Precision precision = Precision::single_float;
  Method method = &kDopri5;  ///< adaptive, rtol = atol = tolerance; beside frozen grids: of the rows these leave over
  double tolerance = 0;
  std::optional<FrozenFlow> frozen;  ///< none: adaptive steps are as cheap
  double error = 0;                  ///< nats: the largest of `rows` fresh rows
  double evaluations = 0;            ///< of the network a row, on these
  Index rows = 0;

  /// Says it to an evaluation.
  void apply_to(EvaluationOptions& options) const;
};

/// Tries on rows that the model itself draws which method, order, grid and tolerance meet `accuracy` at the fewest
/// evaluations, in `precision`; not given: in float, or in double where float cannot.
///
/// Error of a row: to the base, of its log p; to the data, of the log p said of a sample, at the point given out for
/// it. Truth is dopri8 in double, a hundred times finer at least.
/// Candidates  bosh3, dopri5, tsit5 and dopri8 at tolerances of 10^(-k / 2), and for exact divergences frozen grids
///             (flows/grid_search.hpp). A grid's limit is such that every row tried below it was right, also rows drawn
///             from a base twice as wide.
/// Judged      by fresh rows, tile_rows(model) times 16: `error` is their largest, at most `accuracy`.
/// Cost        some 50,000 evaluations of a tile; the same choice on any number of threads, whatever the seed.
/// Throws      std::invalid_argument for an accuracy outside (0, 1), ComputationError if no candidate meets it.
MeasuredEvaluation measure_evaluation(const Cnf& model, double accuracy, Way way, const EvaluationOptions& options = {},
                                      std::optional<Precision> precision = std::nullopt);

}  // namespace cnf
