// Rows that a model draws, with their true log p: what a way of evaluating it is tried on.
#pragma once

#include "flows/evaluator.hpp"

namespace cnf {

/// Rows with the log p that they have, as near as double allows.
struct KnownRows {
  std::uint64_t first = 0;  ///< of the stream of samples; wider rows stand in no stream
  Batch x;
  Vector<double> log_prob;

  KnownRows first_rows(Index n) const { return {first, x.leftCols(n), log_prob.head(n)}; }
};

/// What a way of evaluating made of some rows.
struct Trial {
  Vector<double> errors;       ///< nats; NaN where a solve failed
  Vector<double> corrections;  ///< Evaluated::corrections
  Batch points;                ///< where the rows were carried to
  double evaluations = 0;      ///< of the network a row

  double largest() const { return errors.size() == 0 ? 0 : errors.maxCoeff<Eigen::PropagateNaN>(); }
};

/// Draws rows of one stream, whose seed is a constant, and tries evaluations on them. Truth is dopri8 in double, at a
/// ten-thousandth of the accuracy as its tolerance.
class AccuracyRows {
 public:
  AccuracyRows(const Cnf& model, Way way, double accuracy, const EvaluationOptions& options);

  /// Samples of the model: so many tiles of them, from a tile on.
  KnownRows own(Index tile, Index tiles);
  /// Points of a base twice as wide, carried to the data, without those that the truth fails for.
  KnownRows wider(Index tile, Index tiles);

  /// `given_out`: of a sample, at the very point that it is given out at, which takes a solve more.
  Trial try_on(const KnownRows& rows, const EvaluationOptions& as, bool given_out = false);

 private:
  const Cnf& model_;
  Way way_;
  Index tile_;
  Evaluator exact_;
};

}  // namespace cnf
