// What a few fixed steps make of a model: how far the cheap log p and the cheap samples are from the exact flow's.
#pragma once

#include "flows/evaluator.hpp"

namespace cnf {

/// A solver of few steps, and the same ones for every row.
struct CheapSolver {
  Method method = &kRk4;
  int steps = 1;

  /// Says it to an evaluation: in float, without error control.
  void apply_to(EvaluationOptions& options) const;
};

/// Of errors without sign; infinite where a solve failed.
struct ErrorSpread {
  double mean = 0, most = 0, largest = 0;  ///< most: that 999 of 1000 rows are below

  /// Of some values, one at least.
  explicit ErrorSpread(Vector<double> errors);
  ErrorSpread() = default;
  bool finite() const;
};

/// Errors against the exact flow of the same field: dopri8 in double at 1e-7. The rows are the model's own draws, of a
/// stream that training never sees.
struct Certificate {
  CheapSolver solver;
  ErrorSpread log_prob;    ///< nats, of a row's log p
  ErrorSpread sample;      ///< nats, of the log p said of a sample, at the point that it is given out at
  ErrorSpread moved;       ///< how far a sample is from the exact one of the same base draw, in the user's units
  double evaluations = 0;  ///< of the network a row
  Index rows = 0;

  bool finite() const { return log_prob.finite() && sample.finite() && moved.finite(); }
};

/// Tries the solver on tile_rows(model) times 64 rows. `options`: threads and what stops it. The same on any number of
/// threads. Cost: some 500 evaluations a row, in double.
/// Throws std::invalid_argument for a method that takes no fixed steps.
Certificate certify(const Cnf& model, const CheapSolver& solver, const EvaluationOptions& options = {});

}  // namespace cnf
