#include "flows/objectives/flow_matching.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "base/tiles.hpp"
#include "flows/fields/mlp.hpp"

namespace cnf {

template <class T>
struct FlowMatching<T>::Work {
  /// The tile's share of the loss of a batch of B_total samples and its gradient; dloss_du's columns are written.
  void run_tile(const MlpField<T>& field, const Matrix<T>& u, TileRange range, std::uint32_t step, Scratch& scratch,
                TileShare<T>& out, Matrix<T>& dloss_du) const {
    const Scratch::Frame frame(scratch);
    const Index D = shape.dim, B = range.count, n = D * B;
    const auto span = static_cast<T>(t_data - t_base), start = static_cast<T>(t_base);
    T *x = scratch.take<T>(n), *v = scratch.take<T>(n), *f = scratch.take<T>(n), *s = scratch.take<T>(B),
      *t = scratch.take<T>(B), *t_bar = scratch.take<T>(B), *tape = scratch.take<T>(field.tape_size(B, 0));
    const T* x1 = u.data() + range.first * D;
    const auto each = static_cast<std::size_t>(B);
    draw_normals<T>(options.seed, Purpose::path, step, static_cast<std::uint64_t>(range.first), Out<T>(x, D, B),
                    std::span<T>(s, each));
    for (Index b = 0; b < B; ++b) {
      t[b] = start + s[b] * span;
      t_bar[b] = 0;
      for (Index i = b * D; i < (b + 1) * D; ++i) {
        const T d = x1[i] - x[i];
        v[i] = d / span;
        x[i] += s[b] * d;
      }
    }
    const Tile<T> none(nullptr, D, 0);
    field.forward(Times<T>(t, each), Tile<T>(x, D, B), none, Out<T>(f, D, B), Out<T>(nullptr, D, 0), tape, scratch);

    // loss = sum |f - v|^2 / (D B_total), so f_bar = 2 (f - v) / (D B_total) = -v_bar, which takes f's place.
    const double share = 1 / (static_cast<double>(D) * static_cast<double>(u.cols()));
    const auto twice = static_cast<T>(2 * share);
    double square = 0, along = 0;  // of f - v;  f_bar . v
    for (Index i = 0; i < n; ++i) {
      const T r = f[i] - v[i];
      f[i] = twice * r;
      square += static_cast<double>(r) * static_cast<double>(r);
      along += static_cast<double>(f[i]) * static_cast<double>(v[i]);
    }
    out.loss = share * square;
    out.forward.evaluations = 1;
    T* x_bar = dloss_du.data() + range.first * D;
    std::fill_n(x_bar, n, T(0));
    field.vjp(tape, none, Tile<T>(f, D, B), none, Out<T>(x_bar, D, B), std::span<T>(t_bar, each),
              std::span<T>(out.params_bar.data(), static_cast<std::size_t>(out.params_bar.size())), scratch);

    // x1 enters x_t by s and v by 1 / span; t_data enters t by s and v by -v / span; t_base by 1 - s and v / span.
    out.dloss_dt_data = along / (t_data - t_base);
    out.dloss_dt_base = -out.dloss_dt_data;
    for (Index b = 0; b < B; ++b) {
      const auto share_of_data = static_cast<double>(s[b]), bar = static_cast<double>(t_bar[b]);
      out.dloss_dt_data += share_of_data * bar;
      out.dloss_dt_base += (1 - share_of_data) * bar;
      for (Index i = b * D; i < (b + 1) * D; ++i) x_bar[i] = s[b] * x_bar[i] - f[i] / span;
    }
  }

  Work(const MlpShape& s, double base, double data, const FlowMatchingOptions& o)
      : shape(s),
        t_base(base),
        t_data(data),
        options(o),
        workers(static_cast<std::size_t>(o.threads > 0 ? o.threads : available_threads())),
        tiles(static_cast<int>(workers.size())) {}

  MlpShape shape;
  double t_base, t_data;
  FlowMatchingOptions options;
  std::vector<Scratch> workers;
  TileSum<T> tiles;
  LossGradient<T> result;
};

template <class T>
FlowMatching<T>::FlowMatching(const MlpShape& shape, double t_base, double t_data, const FlowMatchingOptions& options)
    : work_(std::make_unique<Work>(shape, t_base, t_data, options)) {
  if (!std::isfinite(t_base) || !std::isfinite(t_data) || t_base == t_data)
    throw std::invalid_argument("FlowMatching: t_base is " + std::to_string(t_base) + ", t_data " +
                                std::to_string(t_data) + "; expected two different finite times");
}

template <class T>
FlowMatching<T>::~FlowMatching() = default;

template <class T>
const LossGradient<T>& FlowMatching<T>::operator()(const Vector<T>& params, const Matrix<T>& u, std::uint32_t step) {
  Work& work = *work_;
  if (u.rows() != work.shape.dim || u.cols() == 0)
    throw std::invalid_argument("FlowMatching: the batch is " + std::to_string(u.rows()) + " x " +
                                std::to_string(u.cols()) + ", expected " + std::to_string(work.shape.dim) +
                                " rows and at least one column");
  const MlpField<T> field(work.shape, {params.data(), static_cast<std::size_t>(params.size())});
  LossGradient<T>& result = work.result;
  result.dloss_du.resize(u.rows(), u.cols());
  // The field derives its closed form's matrix for the divergence alone, so its gradient's end is not needed.
  TileShare<T>& sum = work.tiles(u.cols(), Evaluator::kTile, field.gradient_size(), field.parameters(),
                                 [&](TileRange range, int worker, TileShare<T>& out) {
                                   work.run_tile(field, u, range, step, work.workers[static_cast<std::size_t>(worker)],
                                                 out, result.dloss_du);
                                 });
  result.take(sum, work.tiles.tiles());
  result.dloss_dparams.conservativeResize(field.parameters());
  return result;
}

template class FlowMatching<float>;
template class FlowMatching<double>;

}  // namespace cnf
