#include "flows/cnf.hpp"

#include <limits>
#include <numbers>
#include <stdexcept>

#include "base/tiles.hpp"
#include "flows/fields/mlp.hpp"
#include "solvers/recording.hpp"

namespace cnf {

std::string_view name(Precision precision) { return precision == Precision::single_float ? "float" : "double"; }

Cnf start_flow(const MlpShape& shape, const Standardisation& standardisation, Seed seed, const MlpInitialisation& how) {
  Cnf model;
  model.shape = shape;
  model.shape.dim = standardisation.dim();
  model.standardisation = standardisation;
  // Rounded to float, so that a flow starts from the same weights in either precision.
  model.params = initial_parameters(model.shape, how, seed).cast<float>().cast<double>();
  return model;
}

/// Moves a block of rows along the flow, in standardised coordinates.
struct Evaluator::Engine {
  Engine(const Cnf& m, const EvaluationOptions& o) : model(m), options(o) {}
  virtual ~Engine() = default;

  /// Carries unit-coordinate points u (D x N) from one end to the other, in place; with `q`, its N values become the
  /// integral of the divergence along the way.
  virtual void transport(bool to_base, Batch& u, Vector<double>* q, std::uint64_t first, Evaluated& result) = 0;

  Cnf model;
  EvaluationOptions options;
};

template <class T>
struct Evaluator::EngineOf final : Evaluator::Engine {
  EngineOf(const Cnf& m, const EvaluationOptions& o)
      : Engine(m, o),
        params(m.params.cast<T>()),
        field(m.shape, {params.data(), static_cast<std::size_t>(params.size())}),
        threads(o.threads > 0 ? o.threads : available_threads()),
        workers(static_cast<std::size_t>(threads)) {}

  void transport(bool to_base, Batch& u, Vector<double>* q, std::uint64_t first, Evaluated& result) override {
    const Index D = model.dim(), N = u.cols();
    const int tiles = static_cast<int>((N + kTile - 1) / kTile);
    const double t_begin = to_base ? model.t_data : model.t_base, t_end = to_base ? model.t_base : model.t_data;
    const DivergenceMethod method =
        q == nullptr ? DivergenceMethod{} : resolve(options.divergence, field.has_trace(), D, /*training=*/false);
    std::vector<std::vector<Status>> failures(static_cast<std::size_t>(tiles));
    std::vector<Counters> counters(static_cast<std::size_t>(tiles));
    for_each_tile(tiles, threads, [&](int tile, int worker) {
      Worker& own = workers[static_cast<std::size_t>(worker)];
      const Scratch::Frame frame(own.scratch);
      const Index begin = tile * kTile, rows = std::min(kTile, N - begin);
      T* probes = nullptr;
      if (method.kind == DivergenceMethod::Kind::hutchinson) {
        probes = own.scratch.template take<T>(D * method.columns * kTile);
        draw_probes(options.divergence.probe, method.columns, options.probe_seed, 0,
                    first + static_cast<std::uint64_t>(begin), D, kTile, probes);
      }
      const FlowDynamics<T> dynamics(field, method, probes);
      if (own.state.B != kTile || own.state.blocks.q != dynamics.blocks().q)
        own.state = State<T>(dynamics.blocks(), kTile);
      own.state.values.setZero();
      own.state.z().leftCols(rows) = u.middleCols(begin, rows).template cast<T>();
      own.active.assign(static_cast<std::size_t>(kTile), 0);  // the padding takes part in nothing
      std::fill_n(own.active.begin(), rows, char{1});
      auto& failed = failures[static_cast<std::size_t>(tile)];
      failed =
          integrate_masked(dynamics, t_begin, t_end, own.state, options.solve, own.scratch,
                           counters[static_cast<std::size_t>(tile)], static_cast<Recording<T>*>(nullptr), own.active);
      for (Status& status : failed) status.row += begin;
      u.middleCols(begin, rows) = own.state.z().leftCols(rows).template cast<double>();
      if (q != nullptr) q->segment(begin, rows) = own.state.q().leftCols(rows).transpose().template cast<double>();
    });
    for (const auto& failed : failures) result.failures.insert(result.failures.end(), failed.begin(), failed.end());
    for (const Counters& counter : counters) result.counters += counter;
    result.tiles += tiles;
  }

  struct Worker {
    Scratch scratch;
    State<T> state;
    std::vector<char> active;
  };
  Vector<T> params;
  MlpField<T> field;
  int threads;
  std::vector<Worker> workers;
};

Evaluator::Evaluator(const Cnf& model, const EvaluationOptions& options) {
  check(options.solve);
  if (model.params.size() != MlpLayout(model.shape).size)
    throw std::invalid_argument("Evaluator: the model has " + std::to_string(model.params.size()) +
                                " parameters, its shape takes " + std::to_string(MlpLayout(model.shape).size));
  const Standardisation& units = model.standardisation;
  if (units.dim() != model.dim() || units.scale.rows() != model.dim() || units.scale.cols() != model.dim())
    throw std::invalid_argument("Evaluator: the standardisation is over " + std::to_string(units.dim()) +
                                " dimensions, the model over " + std::to_string(model.dim()));
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

static void expect_rows(const char* what, const Batch& x, Index dim) {
  if (x.rows() != dim)
    throw std::invalid_argument(std::string(what) + ": x has " + std::to_string(x.rows()) +
                                " rows, this flow is over " + std::to_string(dim) +
                                " dimensions; samples are columns, is x transposed?");
}

/// log N(u; 0, I), nats.
static Vector<double> base_log_prob(const Batch& u) {
  return -0.5 * (u.colwise().squaredNorm().transpose().array() +
                 static_cast<double>(u.rows()) * std::log(2 * std::numbers::pi));
}

Evaluated Evaluator::log_prob(const Batch& x, std::uint64_t first) {
  const Cnf& model = engine_->model;
  expect_rows("log_prob", x, model.dim());
  Evaluated result;
  result.points = model.standardisation.apply(x);
  Vector<double> q(x.cols());
  engine_->transport(true, result.points, &q, first, result);
  result.log_prob = base_log_prob(result.points) + q;
  result.log_prob.array() -= model.standardisation.log_abs_det();
  return result;
}

Evaluated Evaluator::sample(Seed seed, std::uint64_t first, Index N, bool with_log_prob) {
  const Cnf& model = engine_->model;
  Evaluated result;
  if (N < 0) throw std::invalid_argument("sample: N is " + std::to_string(N) + ", expected 0 or more");
  if (N == 0) {
    result.points.resize(model.dim(), 0);
    return result;
  }
  // Whole tiles of the stream, whatever was asked for: a sample's steps depend on its tile.
  const std::uint64_t begin = first / kTile * kTile;
  const Index lead = static_cast<Index>(first - begin), whole = (lead + N + kTile - 1) / kTile * kTile;
  Batch u(model.dim(), whole);
  const int threads = engine_->options.threads > 0 ? engine_->options.threads : available_threads();
  for_each_tile(static_cast<int>(whole / kTile), threads, [&](int tile, int) {
    const Index at = tile * kTile;
    draw_normals<double>(seed, Purpose::base_sample, 0, begin + static_cast<std::uint64_t>(at),
                         Out<double>(u.data() + at * model.dim(), model.dim(), kTile));
  });
  Vector<double> q(whole);
  Vector<double> log_prob;
  if (with_log_prob) log_prob = base_log_prob(u);
  engine_->transport(false, u, with_log_prob ? &q : nullptr, begin, result);
  result.points = model.standardisation.invert(u.middleCols(lead, N));
  if (with_log_prob) {
    result.log_prob = (log_prob - q).segment(lead, N);
    result.log_prob.array() -= model.standardisation.log_abs_det();
  }
  for (Status& status : result.failures) status.row -= lead;
  std::erase_if(result.failures, [&](const Status& status) { return status.row < 0 || status.row >= N; });
  return result;
}

Evaluated Evaluator::encode(const Batch& x) {
  expect_rows("encode", x, engine_->model.dim());
  Evaluated result;
  result.points = engine_->model.standardisation.apply(x);
  engine_->transport(true, result.points, nullptr, 0, result);
  return result;
}

Evaluated Evaluator::decode(const Batch& z) {
  expect_rows("decode", z, engine_->model.dim());
  Evaluated result;
  Batch u = z;
  engine_->transport(false, u, nullptr, 0, result);
  result.points = engine_->model.standardisation.invert(u);
  return result;
}

Evaluated log_prob(const Cnf& model, const Batch& x, const EvaluationOptions& options) {
  return Evaluator(model, options).log_prob(x);
}

Evaluated sample(const Cnf& model, Seed seed, Index N, const EvaluationOptions& options, bool with_log_prob) {
  return Evaluator(model, options).sample(seed, 0, N, with_log_prob);
}

}  // namespace cnf
