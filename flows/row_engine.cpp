// Invariants. A tile always has tile_rows(model) columns, of which the last of a call may be padding: its columns are
// masked, zero, and draw what the samples of those numbers would draw. So a row's bits depend on its tile alone.
// Tiles are begun in their order, so those begun before a call gave up are the first ones: the lowest that failed is
// among them, whatever the threads. On a frozen grid a row's bits depend on itself alone: rows that it leaves over go
// on in tiles of their own.
#include "flows/row_engine.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "flows/tile_flow.hpp"
#include "solvers/masked.hpp"

namespace cnf {

Evaluated RowEngine::log_prob(const Samples<double>& x, std::uint64_t first) {
  Evaluated result;
  result.points = model.standardisation.apply(x.x);
  Vector<double> q(x.size());
  transport(Way::to_base, result.points, x.given, &q, first, {0, x.size()}, result);
  result.log_prob = cnf::log_prob(model.base, result.points) + q;
  result.log_prob.array() -= model.standardisation.log_abs_det();
  return result;
}

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

template <class T>
class EngineOf final : public RowEngine {
 public:
  EngineOf(const Cnf& m, const EvaluationOptions& o)
      : RowEngine(m, o),
        params(m.params.cast<T>()),
        flow(model, params),
        solve{.solve = o.solve, .divergence = o.divergence},
        workers(static_cast<std::size_t>(threads)) {}

  void transport(Way way, Batch& u, Tile<double> given, Vector<double>* q, std::uint64_t first, TileRange wanted,
                 Evaluated& result) override {
    if (options.frozen && options.frozen->way == way)
      walk(way, u, given, q, wanted, result);
    else
      solve_tiles(tile_rows(model), way, u, given, q, first, wanted, result);
  }

 private:
  struct Worker {
    TileFlow<T> flow;
    std::vector<char> active;
    std::vector<double> corrections;
  };

  /// In tiles of `rows`.
  void solve_tiles(Index rows, Way way, Batch& u, Tile<double> given, Vector<double>* q, std::uint64_t first,
                   TileRange wanted, Evaluated& result) {
    const Index N = u.cols();
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
    for (int tile = 0; tile < tiles; ++tile) add(counters[static_cast<std::size_t>(tile)], rows, tile, N, result);
    result.tiles += tiles;
    result.given_up = given_up();
    if (result.given_up) result.failures.resize(1);
  }

  /// On the frozen grids and their halvings, each of the rows that the one before it has left over, and these at last
  /// adaptively, each alone.
  void walk(Way way, Batch& u, Tile<double> given, Vector<double>* q, TileRange wanted, Evaluated& result) {
    const Batch start = u;
    Batch moved = Batch::Constant(u.rows(), u.cols(), kNone);
    if (q != nullptr) q->setConstant(kNone);
    result.corrections = Vector<double>::Constant(u.cols(), kNone);
    std::vector<Index> left(static_cast<std::size_t>(wanted.count));
    std::iota(left.begin(), left.end(), wanted.first);
    FrozenFlow frozen = *options.frozen;
    for (int halvings = 0; halvings <= FrozenFlow::kMostHalvings && !left.empty(); ++halvings) {
      if (halvings > 0) frozen = halved(frozen);
      left = walk_tiles(frozen, left, start, given, halvings == 0 ? &result.corrections : nullptr, moved, q, result);
    }
    u = std::move(moved);
    if (left.empty()) return;
    const std::int64_t tiles = result.tiles;
    Batch alone = start(Eigen::all, left);
    const Batch beside = given.rows() > 0 ? Batch(given(Eigen::all, left)) : Batch(0, alone.cols());
    Vector<double> its_q(alone.cols());
    solve_tiles(1, way, alone, Tile<double>(beside.data(), beside.rows(), beside.cols()), q ? &its_q : nullptr, 0,
                {0, alone.cols()}, result);
    result.tiles = tiles;
    for (Status& status : result.failures) status.row = left[static_cast<std::size_t>(status.row)];
    u(Eigen::all, left) = alone;
    if (q != nullptr) (*q)(left) = its_q;
  }

  /// Of a tile, which is `width` rows of N but for the last.
  static void add(const Counters& counters, Index width, int tile, Index N, Evaluated& result) {
    result.counters += counters;
    result.row_evaluations += counters.evaluations * std::min(width, N - tile * width);
  }

  /// The rows that are left over, in their order.
  std::vector<Index> walk_tiles(const FrozenFlow& frozen, const std::vector<Index>& rows, const Batch& start,
                                Tile<double> given, Vector<double>* corrections, Batch& moved, Vector<double>* q,
                                Evaluated& result) {
    const auto N = std::ssize(rows);
    const Index width = tile_rows(model);
    const int tiles = static_cast<int>((N + width - 1) / width);
    const StopFlag stop = options.solve.stop;
    std::atomic<Index> done{0};
    std::vector<Counters> counters(static_cast<std::size_t>(tiles));
    std::vector<char> sound(rows.size());
    for_each_tile(tiles, threads, [&](int tile, int worker) {
      if (stop_asked(stop)) return;
      Worker& own = workers[static_cast<std::size_t>(worker)];
      const Index begin = tile * width, count = std::min(width, N - begin);
      const auto of = Eigen::Map<const Vector<Index>>(rows.data() + begin, count);
      const Batch points = start(Eigen::all, of);
      const Batch beside = given.rows() > 0 ? Batch(given(Eigen::all, of)) : Batch(0, count);
      const TileInput<double> input{Samples<double>(Tile<double>(points.data(), points.rows(), count),
                                                    Tile<double>(beside.data(), beside.rows(), count)),
                                    {}};
      own.flow.begin(flow, solve, q == nullptr ? Use::points : Use::evaluation, input, width);
      own.corrections.assign(static_cast<std::size_t>(width), 0);
      const Status status =
          own.flow.carry_frozen(frozen.way, frozen.grids, counters[static_cast<std::size_t>(tile)], own.corrections);
      if (!status.ok()) return;
      for (Index j = 0; j < count; ++j) {
        const Index row = of[j];
        const double correction = own.corrections[static_cast<std::size_t>(j)];
        if (corrections != nullptr) (*corrections)[row] = correction;
        if (!(correction <= frozen.limit) || !std::isfinite(correction)) continue;
        sound[static_cast<std::size_t>(begin + j)] = 1;
        ++done;
        moved.col(row) = own.flow.z().col(j).template cast<double>();
        if (q != nullptr) (*q)[row] = static_cast<double>(own.flow.q()(0, j));
      }
      if (worker == 0 && options.progress) options.progress(done.exchange(0));
    });
    stop_if_asked(stop);
    if (options.progress && done > 0) options.progress(done);
    for (int tile = 0; tile < tiles; ++tile) add(counters[static_cast<std::size_t>(tile)], width, tile, N, result);
    if (corrections != nullptr) result.tiles += tiles;
    std::vector<Index> left;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!sound[i]) left.push_back(rows[i]);
    return left;
  }

  Vector<T> params;
  BoundCnf<T> flow;
  FlowOptions solve;
  std::vector<Worker> workers;
};

}  // namespace

std::unique_ptr<RowEngine> make_row_engine(const Cnf& model, const EvaluationOptions& options) {
  if (options.precision == Precision::double_float) return std::make_unique<EngineOf<double>>(model, options);
  return std::make_unique<EngineOf<float>>(model, options);
}

}  // namespace cnf
