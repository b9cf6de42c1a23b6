#include "flows/objectives/max_likelihood.hpp"

#include <numbers>
#include <stdexcept>
#include <string>

#include "base/tiles.hpp"
#include "flows/fields/mlp.hpp"
#include "solvers/continuous_adjoint.hpp"
#include "solvers/discrete_adjoint.hpp"
#include "solvers/recording.hpp"

namespace cnf {

template <class T>
struct MaximumLikelihood<T>::Work {
  struct Worker {
    Scratch scratch;
    State<T> state;
    Recording<T> record;
  };

  /// The loss of one tile of a batch of B_total samples and its gradient, which is written to dloss_du's columns.
  void run_tile(const MlpField<T>& field, const Matrix<T>& u, TileRange range, std::uint32_t step, Worker& own,
                TileShare<T>& out, Matrix<T>& dloss_du) const {
    const Scratch::Frame frame(own.scratch);
    const Index D = shape.dim, B = range.count;
    const DivergenceMethod method = resolve(options.divergence, field.has_trace(), D, /*training=*/true);
    T* probes = nullptr;
    if (method.kind == DivergenceMethod::Kind::hutchinson) {
      probes = own.scratch.template take<T>(D * method.columns * B);
      draw_probes(options.divergence.probe, method.columns, options.seed, step, static_cast<std::uint64_t>(range.first),
                  D, B, probes);
    }
    const FlowDynamics<T> dynamics(field, method, probes);
    if (own.state.B != B) own.state = State<T>(dynamics.blocks(), B);
    own.state.z() = u.middleCols(range.first, B);
    own.state.q().setZero();
    const bool discrete = options.gradient == GradientMode::discrete;

    const Status solved = integrate(dynamics, t_data, t_base, own.state, options.solve, own.scratch, out.forward,
                                    discrete ? &own.record : nullptr);
    if (!solved.ok()) {  // the batch's gradient is lost, so the tile's other samples need no answer
      out.failures.push_back(solved);
      return;
    }

    // loss = mean over the batch of 0.5 |z|^2 + D/2 log 2 pi - q, so dloss/dz = z / B_total, dloss/dq = -1 / B_total.
    const T share = T(1) / static_cast<T>(u.cols());
    T *w_z = own.scratch.template take<T>(D * B), *w_q = own.scratch.template take<T>(B);
    const auto z = own.state.z();
    const auto q = own.state.q();
    for (Index b = 0; b < B; ++b) {
      double square = 0;
      for (Index i = 0; i < D; ++i) {
        square += static_cast<double>(z(i, b)) * static_cast<double>(z(i, b));
        w_z[b * D + i] = share * z(i, b);
      }
      w_q[b] = -share;
      out.loss +=
          0.5 * square + 0.5 * static_cast<double>(D) * std::log(2 * std::numbers::pi) - static_cast<double>(q(0, b));
    }
    out.loss /= static_cast<double>(u.cols());

    const Tile<T> W_z(w_z, D, B), W_q(w_q, 1, B);
    const Out<T> z_bar(dloss_du.data() + range.first * D, D, B);
    const std::span<T> params_bar(out.params_bar.data(), static_cast<std::size_t>(out.params_bar.size()));
    if (discrete) {
      const TimeGradient times = discrete_adjoint(dynamics, own.record, W_z, W_q, z_bar, params_bar, own.scratch);
      out.dloss_dt_data = times.begin;
      out.dloss_dt_base = times.end;
    } else {
      const T* w_end = own.state.values.data();  // z(t_base), the state's first block
      const Status status =
          continuous_adjoint(dynamics, t_data, t_base, Tile<T>(w_end, D, B), W_z, W_q, options.adjoint, z_bar,
                             params_bar, out.dloss_dt_data, out.dloss_dt_base, own.scratch, out.backward);
      if (!status.ok()) out.failures.push_back(status);
    }
  }

  Work(const MlpShape& s, double base, double data, const ObjectiveOptions& o)
      : shape(s),
        t_base(base),
        t_data(data),
        options(o),
        workers(static_cast<std::size_t>(o.threads > 0 ? o.threads : available_threads())),
        tiles(static_cast<int>(workers.size())) {}

  MlpShape shape;
  double t_base, t_data;
  ObjectiveOptions options;
  std::vector<Worker> workers;
  TileSum<T> tiles;
  LossGradient<T> result;
};

template <class T>
MaximumLikelihood<T>::MaximumLikelihood(const MlpShape& shape, double t_base, double t_data,
                                        const ObjectiveOptions& options)
    : work_(std::make_unique<Work>(shape, t_base, t_data, options)) {
  check(options.solve);
  check(options.adjoint);
}

template <class T>
MaximumLikelihood<T>::~MaximumLikelihood() = default;

template <class T>
const LossGradient<T>& MaximumLikelihood<T>::operator()(const Vector<T>& params, const Matrix<T>& u,
                                                        std::uint32_t step) {
  Work& work = *work_;
  if (u.rows() != work.shape.dim || u.cols() == 0)
    throw std::invalid_argument("MaximumLikelihood: the batch is " + std::to_string(u.rows()) + " x " +
                                std::to_string(u.cols()) + ", expected " + std::to_string(work.shape.dim) +
                                " rows and at least one column");
  const MlpField<T> field(work.shape, {params.data(), static_cast<std::size_t>(params.size())});
  LossGradient<T>& result = work.result;
  result.dloss_du.resize(u.rows(), u.cols());
  TileShare<T>& sum = work.tiles(u.cols(), Evaluator::kTile, field.gradient_size(), field.gradient_size(),
                                 [&](TileRange range, int worker, TileShare<T>& out) {
                                   work.run_tile(field, u, range, step, work.workers[static_cast<std::size_t>(worker)],
                                                 out, result.dloss_du);
                                 });
  result.take(sum, work.tiles.tiles());
  field.pull_back({result.dloss_dparams.data(), static_cast<std::size_t>(result.dloss_dparams.size())});
  result.dloss_dparams.conservativeResize(field.parameters());
  return result;
}

template class MaximumLikelihood<float>;
template class MaximumLikelihood<double>;

}  // namespace cnf
