#include "flows/evaluator.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/tiles.hpp"
#include "flows/row_engine.hpp"

namespace cnf {

namespace {

/// The second solve that the first one's error is seen by.
struct Finer {
  EvaluationOptions options;
  double share;  ///< of the first one's error that the second is expected to make

  explicit Finer(const EvaluationOptions& first) : options(first) {
    constexpr double kTighter = 30;         // by 10, at 1e-3, one row in twenty is said too small by 3
    constexpr std::int64_t kMoreSteps = 4;  // 30^(1/3) = 3.1 by order 3; and some
    SolveOptions& solve = options.solve;
    if (options.frozen) options.frozen = halved(*options.frozen);
    options.precision = Precision::double_float;
    options.progress = {};
    options.failing_steps = std::numeric_limits<std::int64_t>::max();
    if (solve.fixed_steps == 0 && solve.fractions.empty()) {
      share = 1 / kTighter;
      solve.rtol /= kTighter;
      solve.atol /= kTighter;
      if (solve.tolerance_q)
        *solve.tolerance_q = {solve.tolerance_q->relative / kTighter, solve.tolerance_q->absolute / kTighter};
      solve.max_steps *= kMoreSteps;
      return;
    }
    share = std::pow(0.5, solve.method.order());
    solve.fixed_steps *= 2;
    solve.fractions = halved(solve.fractions);
  }
};

}  // namespace

Evaluator::Evaluator(const Cnf& model, const EvaluationOptions& options) {
  check(options.solve);
  check(model);
  if (options.frozen) {
    check(*options.frozen, model);
    if (options.divergence.kind == DivergenceChoice::Kind::hutchinson)
      throw std::invalid_argument(
          "Evaluator: a frozen grid is for the exact divergence, not for Hutchinson's estimate");
  }
  if (options.divergence.probes < 1)
    throw std::invalid_argument("Evaluator: " + std::to_string(options.divergence.probes) +
                                " probes, expected at least 1");
  engine_ = make_row_engine(model, options);
}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;

Evaluated Evaluator::log_prob(const Samples<double>& x, std::uint64_t first) {
  expect_samples("log_prob", engine_->model, x.x.rows(), x.given.rows());
  return engine_->log_prob(x, first);
}

Evaluated Evaluator::log_prob_with_error(const Samples<double>& x, std::uint64_t first) {
  Evaluated result = log_prob(x, first);
  if (result.given_up) return result;
  const Finer finer(engine_->options);
  if (!finer_) finer_ = make_row_engine(engine_->model, finer.options);
  const Evaluated second = finer_->log_prob(x, first);
  result.error = (result.log_prob - second.log_prob).cwiseAbs() / (1 - finer.share);
  result.counters += second.counters;
  return result;
}

Evaluated Evaluator::sample(Seed seed, std::uint64_t first, Index N, bool with_log_prob,
                            const Eigen::Ref<const Batch>& given) {
  const Cnf& model = engine_->model;
  Evaluated result;
  if (N < 0) throw std::invalid_argument("sample: N is " + std::to_string(N) + ", expected 0 or more");
  expect_samples("sample", model, model.dim(), given.rows());
  if (given.rows() > 0 && given.cols() != N)
    throw std::invalid_argument("sample: conditions are given for " + std::to_string(given.cols()) + " of " +
                                std::to_string(N) + " samples");
  if (N == 0) {
    result.points.resize(model.dim(), 0);
    return result;
  }
  // Whole tiles of the stream, whatever was asked for: a sample's steps depend on its tile.
  const Index rows = tile_rows(model);
  const std::uint64_t begin = first / static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(rows);
  const Index lead = static_cast<Index>(first - begin), whole = (lead + N + rows - 1) / rows * rows;
  Batch u(model.dim(), whole), beside = Batch::Zero(given.rows(), whole);
  if (given.rows() > 0) beside.middleCols(lead, N) = given;
  for_each_tile(static_cast<int>(whole / rows), engine_->threads, [&](int tile, int) {
    const Index at = tile * rows;
    sample_base(model.base, seed, begin + static_cast<std::uint64_t>(at),
                Out<double>(u.data() + at * model.dim(), model.dim(), rows));
  });
  Vector<double> q(whole);
  Vector<double> log_prob;
  if (with_log_prob) log_prob = cnf::log_prob(model.base, u);
  engine_->transport(Way::to_data, u, Tile<double>(beside.data(), beside.rows(), whole), with_log_prob ? &q : nullptr,
                     begin, {lead, N}, result);
  result.points = model.standardisation.invert(u.middleCols(lead, N));
  if (with_log_prob) {
    result.log_prob = (log_prob - q).segment(lead, N);
    result.log_prob.array() -= model.standardisation.log_abs_det();
  }
  if (result.corrections.size() > 0) result.corrections = Vector<double>(result.corrections.segment(lead, N));
  for (Status& status : result.failures) status.row -= lead;
  return result;
}

Evaluated Evaluator::encode(const Samples<double>& x) {
  expect_samples("encode", engine_->model, x.x.rows(), x.given.rows());
  Evaluated result;
  result.points = engine_->model.standardisation.apply(x.x);
  engine_->transport(Way::to_base, result.points, x.given, nullptr, 0, {0, x.size()}, result);
  return result;
}

Evaluated Evaluator::decode(const Samples<double>& z) {
  expect_samples("decode", engine_->model, z.x.rows(), z.given.rows());
  Evaluated result;
  Batch u = z.x;
  engine_->transport(Way::to_data, u, z.given, nullptr, 0, {0, z.size()}, result);
  result.points = engine_->model.standardisation.invert(u);
  return result;
}

Evaluated log_prob(const Cnf& model, const Samples<double>& x, const EvaluationOptions& options) {
  return Evaluator(model, options).log_prob(x);
}

Evaluated sample(const Cnf& model, Seed seed, Index N, const EvaluationOptions& options, bool with_log_prob,
                 const Eigen::Ref<const Batch>& given) {
  return Evaluator(model, options).sample(seed, 0, N, with_log_prob, given);
}

}  // namespace cnf
