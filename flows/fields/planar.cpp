// Letters as in docs/math.md, section 4, "planar units": M units, a = W z + b, h = phi(a), s = sigma(t), f = U (s o h).
// Invariants. The tape holds t (as many as B), z, h and what phi's derivatives need beside h; a tangent's W v is formed
// again where it is needed. Cotangents: p = U^T w_f of s o h, so p o s of h and p o h of s. A unit's gate is one for
// the tile or one a sample, as t is. The functions with a trace are those without, with one output or cotangent more.
#include "flows/fields/planar.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "base/kernels/matmul.hpp"
#include "flows/initial_parameters.hpp"
#include "flows/kernels/layer.hpp"

namespace cnf {

std::vector<Setting> PlanarShape::settings() {
  return {
      {.name = "dim", .help = "Columns of the data.", .value = Setting::Whole{&dim}, .from_data = true},
      {.name = "units", .help = "With --field planar: how many units.", .value = Setting::Whole{&units, 1, 1 << 16}},
      {.name = "activation", .help = "Of every unit.", .value = choice_of(activation, kAllActivations)}};
}

Layout PlanarShape::layout() const {
  if (dim < 1 || units < 1)
    throw std::invalid_argument("PlanarShape: " + std::to_string(units) + " units over " + std::to_string(dim) +
                                " dimensions; both are at least 1");
  Layout all;
  all.add("weight", units, dim, false);
  all.add("bias", units, 1, true);
  all.add("gate_weight", units, 1, true);
  all.add("gate_bias", units, 1, true);
  all.add("out_weight", dim, units, false);
  return all;
}

/// Ridges about as sharp as the default MLP's first layer, spread over data of unit variance; small velocities.
Vector<double> PlanarShape::initial_parameters(Seed seed) const {
  constexpr double kSharpness = 3, kSpread = 6, kVelocity = 0.3;
  InitialParameters initial(layout(), seed);
  initial.draw_normal(0, kSharpness / std::sqrt(static_cast<double>(dim)));
  initial.draw_even(1, kSpread);
  initial.draw_even(2, 4.0);
  initial.draw_even(3, 2.0);
  initial.draw_normal(4, kVelocity / std::sqrt(static_cast<double>(units)));
  return initial.values();
}

template <class T>
std::unique_ptr<Field<T>> PlanarShape::make(std::span<const T> params) const {
  return std::make_unique<PlanarField<T>>(*this, params);
}

/// What an evaluation and its derivatives work with: the tape's parts and the gates at its times.
template <class T>
struct PlanarField<T>::Units {
  using Column = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
  using Constant = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

  Units(const PlanarField& f, const T* tape, Index batch, std::size_t times, Scratch& scratch)
      : field(f), M(f.shape_.units), D(f.shape_.dim), B(batch), t(tape, times), z(tape + B), h(z + D * B) {
    s = scratch.take<T>(M * static_cast<Index>(times));
    for (std::size_t b = 0; b < times; ++b)
      for (Index m = 0; m < M; ++m)
        s[static_cast<Index>(b) * M + m] =
            1 / (1 + std::exp(-(f.params_[at(f.g_, m)] * t[b] + f.params_[at(f.c_, m)])));
  }

  static std::size_t at(Index offset, Index m) { return static_cast<std::size_t>(offset + m); }
  const T* saved() const { return kernels::saves_slope(field.shape_.activation) ? h + M * B : nullptr; }
  kernels::Hidden<T> hidden() const { return {field.shape_.activation, M, B, 0, h, saved(), nullptr}; }
  bool shared() const { return t.size() == 1; }
  std::size_t time_of(Index b) const { return shared() ? 0 : static_cast<std::size_t>(b); }
  Constant gate(Index b) const { return {s + static_cast<Index>(time_of(b)) * M, M}; }
  /// ds/dt of sample b.
  auto gate_slope(Index b) const { return gate(b) * (1 - gate(b)) * Constant(field.params_.data() + field.g_, M); }
  /// y = W x, and y = U^T w, over n columns.
  T* project(const T* x, Index n, Scratch& scratch) const {
    T* y = scratch.take<T>(M * n);
    kernels::multiply<T>({field.params_.data() + field.W_, M, D}, {x, D, n}, {y, M, n});
    return y;
  }
  T* lift(const T* w, Index n, Scratch& scratch) const {
    T* y = scratch.take<T>(M * n);
    kernels::multiply<T>({field.Ut_.data(), M, D}, {w, D, n}, {y, M, n});
    return y;
  }
  /// out = U y over n columns.
  void out(const T* y, Index n, T* to) const {
    kernels::multiply<T>({field.params_.data() + field.U_, D, M}, {y, M, n}, {to, D, n});
  }
  Column column(T* x, Index n) const { return {x + n * M, M}; }
  Constant constant(const T* x, Index n) const { return {x + n * M, M}; }

  const PlanarField& field;
  Index M, D, B;
  Times<T> t;
  const T *z, *h;
  T* s;
};

template <class T>
PlanarField<T>::PlanarField(const PlanarShape& shape, std::span<const T> params) : shape_(shape), params_(params) {
  const Layout all = shape.layout();
  size_ = all.size;
  if (static_cast<Index>(params.size()) != size_)
    throw std::invalid_argument("PlanarField: " + std::to_string(params.size()) + " parameters, this shape has " +
                                std::to_string(size_) + " (with padding; see Layout)");
  W_ = all.tensors[0].offset, b_ = all.tensors[1].offset, g_ = all.tensors[2].offset, c_ = all.tensors[3].offset;
  U_ = all.tensors[4].offset;
  const Tile<T> W(params.data() + W_, shape.units, shape.dim), U(params.data() + U_, shape.dim, shape.units);
  Wt_ = W.transpose();
  Ut_ = U.transpose();
  overlap_ = W.cwiseProduct(Ut_).rowwise().sum();
}

template <class T>
Index PlanarField<T>::tape_size(Index B, Index) const {
  return B * (1 + shape_.dim + shape_.units * (kernels::saves_slope(shape_.activation) ? 2 : 1));
}

template <class T>
void PlanarField<T>::evaluate(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* div, T* tape,
                              Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), C = tangents.cols() / B, M = shape_.units, D = shape_.dim;
  if (tape == nullptr) tape = scratch.take<T>(tape_size(B, 0));
  std::copy(t.begin(), t.end(), tape);
  std::copy_n(z.data(), z.size(), tape + B);
  T *h = tape + B + D * B, *dh = scratch.take<T>(M * B), *ones = scratch.take<T>(M);
  std::fill_n(ones, M, T(1));
  const kernels::LayerMap<T> map{M, D, params_.data() + W_, ones, params_.data() + b_, 0, 0, nullptr, nullptr};
  kernels::LayerOut<T> to{h};
  if (kernels::saves_slope(shape_.activation)) to.s = h + M * B;
  to.d = dh;  // phi'
  kernels::layer_forward(map, shape_.activation, {B, 0}, z.data(), to);

  const Units units(*this, tape, B, t.size(), scratch);
  T* gated = scratch.take<T>(M * B);
  for (Index b = 0; b < B; ++b) units.column(gated, b) = units.gate(b) * units.constant(h, b);
  units.out(gated, B, f.data());
  if (div)
    for (Index b = 0; b < B; ++b) div[b] = (units.gate(b) * units.constant(dh, b) * overlap_.array()).sum();
  if (C == 0) return;
  T* y = units.project(tangents.data(), C * B, scratch);
  for (Index c = 0; c < C; ++c)
    for (Index b = 0; b < B; ++b) units.column(y, c * B + b) *= units.gate(b) * units.constant(dh, b);
  units.out(y, C * B, jv.data());
}

template <class T>
void PlanarField<T>::push(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                          T* div_dot, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), C = tangents.cols() / B, M = shape_.units;
  const Units units(*this, tape, B, t_dot.size(), scratch);
  T *dh = scratch.take<T>(M * B), *d2h = scratch.take<T>(M * B), *moved = scratch.take<T>(M * B);
  kernels::slopes(units.hidden(), dh, d2h);
  const T* a_dot = units.project(z_dot.data(), B, scratch);
  // (s o h)' = s' o h + s o phi' o a',  (s o phi')' = s' o phi' + s o phi'' o a', which takes the place of phi''.
  for (Index b = 0; b < B; ++b) {
    const auto s_dot = units.gate_slope(b) * t_dot[units.time_of(b)];
    units.column(moved, b) =
        s_dot * units.constant(units.h, b) + units.gate(b) * units.constant(dh, b) * units.constant(a_dot, b);
    units.column(d2h, b) =
        s_dot * units.constant(dh, b) + units.gate(b) * units.constant(d2h, b) * units.constant(a_dot, b);
    if (div_dot) div_dot[b] = (overlap_.array() * units.constant(d2h, b)).sum();
  }
  units.out(moved, B, f_dot.data());
  if (C == 0) return;
  T* y = units.project(tangents.data(), C * B, scratch);
  for (Index c = 0; c < C; ++c)
    for (Index b = 0; b < B; ++b) units.column(y, c * B + b) *= units.constant(d2h, b);
  units.out(y, C * B, jv_dot.data());
}

/// From the cotangents of a and s to z, t, W, b and the gates' parameters. Overwrites s_bar.
template <class T>
void PlanarField<T>::pull_units(const Units& units, const T* a_bar, T* s_bar, Out<T> z_bar, std::span<T> t_bar,
                                std::span<T> params_bar) const {
  using Column = typename Units::Column;
  const Index B = units.B, M = units.M, D = units.D;
  kernels::multiply_transposed_add<T>({a_bar, M, B}, {units.z, D, B}, {params_bar.data() + W_, M, D});
  kernels::multiply<T>({Wt_.data(), D, M}, {a_bar, M, B}, {z_bar.data(), D, B}, kernels::Into::add);
  Column b_bar(params_bar.data() + b_, M), g_bar(params_bar.data() + g_, M), c_bar(params_bar.data() + c_, M);
  for (Index b = 0; b < B; ++b) {
    const std::size_t at = units.time_of(b);
    b_bar += units.constant(a_bar, b);
    t_bar[at] += (units.gate_slope(b) * units.constant(s_bar, b)).sum();
    units.column(s_bar, b) *= units.gate(b) * (1 - units.gate(b));
    g_bar += units.t[at] * units.constant(s_bar, b);
    c_bar += units.constant(s_bar, b);
  }
}

template <class T>
void PlanarField<T>::pull(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, const T* w_div, Out<T> z_bar,
                          std::span<T> t_bar, std::span<T> params_bar, Scratch& scratch) const {
  using Column = typename Units::Column;
  const Scratch::Frame frame(scratch);
  const Index B = w_f.cols(), C = tangents.cols() / B, M = shape_.units, D = shape_.dim;
  const Units units(*this, tape, B, t_bar.size(), scratch);
  T *dh = scratch.take<T>(M * B), *d2h = scratch.take<T>(M * B), *gated = scratch.take<T>(M * B);
  T *a_bar = units.lift(w_f.data(), B, scratch), *s_bar = scratch.take<T>(M * B);
  kernels::slopes(units.hidden(), dh, d2h);
  for (Index b = 0; b < B; ++b) {
    units.column(s_bar, b) = units.constant(units.h, b) * units.constant(a_bar, b);
    units.column(a_bar, b) *= units.gate(b) * units.constant(dh, b);
    units.column(gated, b) = units.gate(b) * units.constant(units.h, b);
  }
  const kernels::Columns<T> W_bar{params_bar.data() + W_, M, D}, U_bar{params_bar.data() + U_, D, M};
  kernels::multiply_transposed_add<T>({w_f.data(), D, B}, {gated, M, B}, U_bar);
  if (C > 0) {
    T *y = units.project(tangents.data(), C * B, scratch), *r = units.lift(w_jv.data(), C * B, scratch);
    for (Index c = 0; c < C; ++c)
      for (Index b = 0; b < B; ++b) {
        Column y_c = units.column(y, c * B + b), r_c = units.column(r, c * B + b);
        units.column(s_bar, b) += units.constant(dh, b) * y_c * r_c;
        units.column(a_bar, b) += units.gate(b) * units.constant(d2h, b) * y_c * r_c;
        y_c *= units.gate(b) * units.constant(dh, b);
        r_c *= units.gate(b) * units.constant(dh, b);
      }
    kernels::multiply_transposed_add<T>({w_jv.data(), D, C * B}, {y, M, C * B}, U_bar);
    kernels::multiply_transposed_add<T>({r, M, C * B}, {tangents.data(), D, C * B}, W_bar);
  }
  pull_units(units, a_bar, s_bar, z_bar, t_bar, params_bar);
  if (w_div) pull_trace(units, w_div, dh, d2h, z_bar, t_bar, params_bar, scratch);
}

/// The trace's share: div = sum_m s_m phi'_m o_m with o_m = w_m . u_m. Overwrites dh and d2h.
template <class T>
void PlanarField<T>::pull_trace(const Units& units, const T* w_div, T* dh, T* d2h, Out<T> z_bar, std::span<T> t_bar,
                                std::span<T> params_bar, Scratch& scratch) const {
  using Column = typename Units::Column;
  const Index M = units.M, D = units.D;
  Column overlap_bar(scratch.take<T>(M), M);
  overlap_bar.setZero();
  for (Index b = 0; b < units.B; ++b) {
    const T w = w_div[b];
    Column slope = units.column(dh, b), a_bar = units.column(d2h, b);
    overlap_bar += w * units.gate(b) * slope;
    slope *= w * overlap_.array();                  // now the cotangent of s
    a_bar *= w * units.gate(b) * overlap_.array();  // now that of a
  }
  pull_units(units, d2h, dh, z_bar, t_bar, params_bar);
  const Tile<T> W(params_.data() + W_, M, D), U(params_.data() + U_, D, M);
  Out<T>(params_bar.data() + W_, M, D) += overlap_bar.matrix().asDiagonal() * Ut_;
  Out<T>(params_bar.data() + U_, D, M) += Wt_ * overlap_bar.matrix().asDiagonal();
}

template class PlanarField<float>;
template class PlanarField<double>;
template std::unique_ptr<Field<float>> PlanarShape::make(std::span<const float>) const;
template std::unique_ptr<Field<double>> PlanarShape::make(std::span<const double>) const;

}  // namespace cnf
