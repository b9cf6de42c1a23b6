// Invariants. A tile always has tile_rows(model) columns, of which the last of a call may be padding: its columns are
// masked, zero, and draw what the samples of those numbers would draw. So a row's bits depend on its tile alone.
// Tiles are begun in their order, so those begun before a call gave up are the first ones: the lowest that failed is
// among them, whatever the threads.
#include "flows/evaluator.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>

#include "base/tiles.hpp"
#include "flows/tile_flow.hpp"
#include "solvers/masked.hpp"

namespace cnf {

/// Moves a block of rows along the flow, in standardised coordinates.
struct Evaluator::Engine {
  Engine(const Cnf& m, const EvaluationOptions& o)
      : model(m), options(o), threads(o.threads > 0 ? o.threads : available_threads()) {}
  virtual ~Engine() = default;

  /// Carries the points of u (D x N, unit coordinates) from one end to the other, in place; with `q`, its N values
  /// become the integral of the divergence along the way. Rows outside `wanted` may fail.
  virtual void transport(Way way, Batch& u, Tile<double> given, Vector<double>* q, std::uint64_t first,
                         TileRange wanted, Evaluated& result) = 0;

  Cnf model;
  EvaluationOptions options;
  int threads;
};

template <class T>
struct Evaluator::EngineOf final : Evaluator::Engine {
  EngineOf(const Cnf& m, const EvaluationOptions& o)
      : Engine(m, o),
        params(m.params.cast<T>()),
        flow(model, params),
        solve{.solve = o.solve, .divergence = o.divergence},
        workers(static_cast<std::size_t>(threads)) {}

  void transport(Way way, Batch& u, Tile<double> given, Vector<double>* q, std::uint64_t first, TileRange wanted,
                 Evaluated& result) override {
    const Index N = u.cols(), rows = tile_rows(model);
    const int tiles = static_cast<int>((N + rows - 1) / rows);
    const StopFlag stop = options.solve.stop;
    std::atomic<std::int64_t> failing{0};
    std::atomic<Index> done{0};
    const auto given_up = [&] { return failing > options.failing_steps; };
    const auto is_wanted = [&](Index row) { return row >= wanted.first && row < wanted.first + wanted.count; };
    std::vector<std::vector<Status>> failures(static_cast<std::size_t>(tiles));
    std::vector<Counters> counters(static_cast<std::size_t>(tiles));
    for_each_tile(tiles, threads, [&](int tile, int worker) {
      if (given_up() || stop_asked(stop)) return;
      Worker& own = workers[static_cast<std::size_t>(worker)];
      const Index begin = tile * rows, count = std::min(rows, N - begin);
      const bool all_wanted = is_wanted(begin) && is_wanted(begin + count - 1);
      const TileInput<double> input{Samples<double>(Tile<double>(u.data(), u.rows(), N), given).middle(begin, count),
                                    {options.probe_seed, first + static_cast<std::uint64_t>(begin), 0}};
      own.flow.begin(flow, solve, q == nullptr ? Use::points : Use::evaluation, input, rows);
      own.active.assign(static_cast<std::size_t>(rows), 0);  // the padding takes part in nothing
      std::fill_n(own.active.begin(), count, char{1});
      auto& failed = failures[static_cast<std::size_t>(tile)];
      Counters& counter = counters[static_cast<std::size_t>(tile)];
      failed = own.flow.carry_masked(way, own.active, counter, all_wanted ? options.failing_steps : kAnySteps);
      for (Status& status : failed) status.row += begin;
      std::erase_if(failed, [&](const Status& status) { return !is_wanted(status.row); });
      if (!failed.empty()) failing += counter.failing;
      u.middleCols(begin, count) = own.flow.z().leftCols(count).template cast<double>();
      if (q != nullptr) q->segment(begin, count) = own.flow.q().leftCols(count).transpose().template cast<double>();
      done += count;
      if (worker == 0 && options.progress) options.progress(done.exchange(0));
    });
    stop_if_asked(stop);
    if (options.progress && done > 0) options.progress(done);
    for (const auto& failed : failures) result.failures.insert(result.failures.end(), failed.begin(), failed.end());
    for (const Counters& counter : counters) result.counters += counter;
    result.tiles += tiles;
    result.given_up = given_up();
    if (result.given_up) result.failures.resize(1);
  }

  struct Worker {
    TileFlow<T> flow;
    std::vector<char> active;
  };
  Vector<T> params;
  BoundCnf<T> flow;
  FlowOptions solve;
  std::vector<Worker> workers;
};

Evaluator::Evaluator(const Cnf& model, const EvaluationOptions& options) {
  check(options.solve);
  check(model);
  if (options.divergence.probes < 1)
    throw std::invalid_argument("Evaluator: " + std::to_string(options.divergence.probes) +
                                " probes, expected at least 1");
  if (options.precision == Precision::double_float)
    engine_ = std::make_unique<EngineOf<double>>(model, options);
  else
    engine_ = std::make_unique<EngineOf<float>>(model, options);
}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;

Evaluated Evaluator::log_prob(const Samples<double>& x, std::uint64_t first) {
  const Cnf& model = engine_->model;
  expect_samples("log_prob", model, x.x.rows(), x.given.rows());
  Evaluated result;
  result.points = model.standardisation.apply(x.x);
  Vector<double> q(x.size());
  engine_->transport(Way::to_base, result.points, x.given, &q, first, {0, x.size()}, result);
  result.log_prob = cnf::log_prob(model.base, result.points) + q;
  result.log_prob.array() -= model.standardisation.log_abs_det();
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
