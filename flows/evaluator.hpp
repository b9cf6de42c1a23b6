// A model evaluated: densities, samples, and the flow's map both ways.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "flows/cnf.hpp"
#include "flows/divergence.hpp"
#include "flows/frozen_flow.hpp"
#include "flows/samples.hpp"
#include "solvers/integrate.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// How a model is evaluated.
struct EvaluationOptions {
  SolveOptions solve{};
  /// The way it is for is walked on it, and `solve` is for the rows that it leaves over and for the other way.
  /// Not with Hutchinson's estimate.
  std::optional<FrozenFlow> frozen{};
  DivergenceChoice divergence{};
  Precision precision = Precision::single_float;
  int threads = 0;    ///< 0: as many as OpenMP gives
  Seed probe_seed{};  ///< Hutchinson's probes
  /// Steps that failing solves may take in one call, counted as Counters::failing; when they have taken more, the call
  /// gives up: a bound on the time that rows can cost which no number of steps will solve. 0: at the first failed row.
  std::int64_t failing_steps = std::numeric_limits<std::int64_t>::max();
  std::function<void(Index rows)> progress{};  ///< told by the calling thread of rows done since it was told last
};

/// Points and their log-densities. A failed row is NaN, with its status.
struct Evaluated {
  Batch points;                  ///< D x N: samples in the user's units, or base points
  Vector<double> log_prob;       ///< N, nats in the user's units; empty if not asked for
  Vector<double> error;          ///< N, nats: how far log_prob is off, estimated; empty if not asked for
  Vector<double> corrections;    ///< N, of a frozen flow, before any halving; else empty
  std::vector<Status> failures;  ///< rows counted from the call's first
  Counters counters;
  std::int64_t tiles = 0;
  std::int64_t row_evaluations = 0;  ///< of the field at one row: what tiles' padding takes is left out
  /// Failing solves took more than EvaluationOptions::failing_steps. The call has no result then, and `failures` is the
  /// first of them alone, the same on any number of threads.
  bool given_up = false;

  /// Evaluations of the field per solve; what rows that are solved again take is counted too.
  double nfe_mean() const {
    return tiles == 0 ? 0 : static_cast<double>(counters.evaluations) / static_cast<double>(tiles);
  }
};

struct RowEngine;  // flows/row_engine.hpp

/// A model made ready to be evaluated: prepared weights and every worker's memory, kept from call to call.
///
/// Work is done in tiles of tile_rows(model) rows from row 0, so that a row's answer depends on its tile alone:
/// calls on consecutive blocks of whole tiles give the bits of one call on all of them, on any number of threads.
/// A tile's rows share their steps where these are adaptive: beside other rows a log p moves within its error, by up to
/// 1e-4 at the default tolerance (docs/how-to-choose-a-solver.md). On fixed steps and frozen grids it does not move.
/// A call throws Stopped once EvaluationOptions::solve.stop is raised.
class Evaluator {
 public:
  /// Throws std::invalid_argument if the model or the options make no sense.
  Evaluator(const Cnf& model, const EvaluationOptions& options);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;

  /// log p(x) and the base points z(t_base) of x (D x N, the user's units). `first`: the number of x's first row in the
  /// whole, which addresses Hutchinson's probes.
  Evaluated log_prob(const Samples<double>& x, std::uint64_t first = 0);
  /// The same, to the same bits, with the error that integration and rounding have made in each log p: its difference
  /// from a second solve in double, at a thirtieth of both tolerances or with every step halved, enlarged by the share
  /// that the second is expected to be off itself. Hutchinson's estimate and the weights are taken as they are. A row
  /// whose second solve fails has error NaN.
  /// Error  95 % of true errors are within 3 times the estimate, and its median within 5 times theirs.
  /// Cost   4 to 5 times the one solve.
  Evaluated log_prob_with_error(const Samples<double>& x, std::uint64_t first = 0);
  /// Samples first .. first + N - 1 of the stream that `seed` names, under the conditions given for each of them
  /// (C x N; a model without conditions takes none). Sample i is the same whatever N is; with conditions, where its
  /// tile's others are given the same.
  Evaluated sample(Seed seed, std::uint64_t first, Index N, bool with_log_prob,
                   const Eigen::Ref<const Batch>& given = Batch());
  /// z(t_base) of x without log-densities; and back.
  Evaluated encode(const Samples<double>& x);
  Evaluated decode(const Samples<double>& z);

 private:
  std::unique_ptr<RowEngine> engine_;
  std::unique_ptr<RowEngine> finer_;  ///< of the second solve, once there was one
};

/// One call for one use: see Evaluator.
Evaluated log_prob(const Cnf& model, const Samples<double>& x, const EvaluationOptions& options = {});
Evaluated sample(const Cnf& model, Seed seed, Index N, const EvaluationOptions& options = {},
                 bool with_log_prob = false, const Eigen::Ref<const Batch>& given = Batch());

}  // namespace cnf
