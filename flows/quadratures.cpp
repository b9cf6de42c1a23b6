// Invariants. The tape is the field's, then f (D B values) and J V (as many for every tangent column), from which the
// rates' derivatives are made. A rate is scale * |y|^2, y = f or the columns of J V: its sign is that of dt, so what
// is integrated against dt is never negative; an estimate has the mean over its probes in the scale too.
#include "flows/quadratures.hpp"

#include <algorithm>
#include <stdexcept>

namespace cnf {

std::string_view name(Quadrature quadrature) { return quadrature == Quadrature::kinetic ? "kinetic" : "frobenius"; }

std::string_view help(Quadrature quadrature) {
  return quadrature == Quadrature::kinetic ? "the paths' kinetic energy" : "the square of the field's Jacobian";
}

template <class T>
RegularisedDynamics<T>::RegularisedDynamics(const Field<T>& field, DivergenceMethod method, const T* probes,
                                            std::span<const Quadrature> beside, bool forwards)
    : field_(field), plain_(field, method, probes), beside_(beside), sign_(forwards ? T(1) : T(-1)) {
  if (by_trace() && std::any_of(beside.begin(), beside.end(), needs_tangents))
    throw std::invalid_argument(
        "RegularisedDynamics: the Jacobian's norm needs tangents or probes, not the closed form");
}

template <class T>
Index RegularisedDynamics<T>::tape_size(Index B) const {
  return plain_.tape_size(B) + field_.dim() * B * (1 + plain_.method().columns);
}

template <class T>
T RegularisedDynamics<T>::scale(Quadrature quadrature) const {
  const DivergenceMethod& method = plain_.method();
  const bool mean = quadrature == Quadrature::frobenius && method.kind == DivergenceMethod::Kind::hutchinson;
  return mean ? sign_ / static_cast<T>(method.columns) : sign_;
}

template <class T>
void RegularisedDynamics<T>::rates(const T* f, const T* JV, Out<T> dq) const {
  const Index D = field_.dim(), B = dq.cols(), C = plain_.method().columns;
  const auto square = [D](const T* y) {
    T sum = 0;
    for (Index i = 0; i < D; ++i) sum += y[i] * y[i];
    return sum;
  };
  for (std::size_t r = 0; r < beside_.size(); ++r) {
    const bool kinetic = beside_[r] == Quadrature::kinetic;
    const T by = scale(beside_[r]);
    for (Index b = 0; b < B; ++b) {
      T sum = kinetic ? square(f + b * D) : T(0);
      for (Index c = 0; c < C && !kinetic; ++c) sum += square(JV + (c * B + b) * D);
      dq(static_cast<Index>(r) + 1, b) = by * sum;
    }
  }
}

template <class T>
void RegularisedDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T>, T* tape,
                                     Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index D = z.rows(), B = z.cols(), columns = plain_.method().columns * B;
  T* const kept = tape ? tape + plain_.tape_size(B) : nullptr;
  T* const JV = kept ? kept + D * B : scratch.take<T>(D * columns);
  const Out<T> div(scratch.take<T>(B), 1, B);
  if (by_trace()) {
    field_.trace()->trace_forward(t, z, dz, div, tape, scratch);
  } else {
    const Tile<T> V = plain_.tangents(B, scratch);
    field_.forward(t, z, V, dz, Out<T>(JV, D, columns), tape, scratch);
    plain_.contract(V, JV, div);
  }
  if (kept) std::copy_n(dz.data(), D * B, kept);
  for (Index b = 0; b < B; ++b) dq(0, b) = div(0, b);
  rates(dz.data(), JV, dq);
}

template <class T>
void RegularisedDynamics<T>::jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot,
                                 Scratch& scratch) const {
  if (dq_dot.size() == 0) return plain_.jvp(tape, v, t_dot, dz_dot, dq_dot, scratch);
  const Scratch::Frame frame(scratch);
  const Index D = v.rows(), B = v.cols(), C = plain_.method().columns;
  const T *f = tape + plain_.tape_size(B), *JV = f + D * B;
  T* const JV_dot = scratch.take<T>(D * C * B);
  const Out<T> div_dot(scratch.take<T>(B), 1, B);
  if (by_trace()) {
    field_.trace()->trace_jvp(tape, v, t_dot, dz_dot, div_dot, scratch);
  } else {
    const Tile<T> V = plain_.tangents(B, scratch);
    field_.jvp(tape, V, v, t_dot, dz_dot, Out<T>(JV_dot, D, C * B), scratch);
    plain_.contract(V, JV_dot, div_dot);
  }
  const auto along = [D](const T* y, const T* y_dot) {
    T sum = 0;
    for (Index i = 0; i < D; ++i) sum += y[i] * y_dot[i];
    return sum;
  };
  for (Index b = 0; b < B; ++b) {
    dq_dot(0, b) = div_dot(0, b);
    for (std::size_t r = 0; r < beside_.size(); ++r) {
      const bool kinetic = beside_[r] == Quadrature::kinetic;
      T sum = kinetic ? along(f + b * D, dz_dot.data() + b * D) : T(0);
      for (Index c = 0; c < C && !kinetic; ++c) sum += along(JV + (c * B + b) * D, JV_dot + (c * B + b) * D);
      dq_dot(static_cast<Index>(r) + 1, b) = 2 * scale(beside_[r]) * sum;
    }
  }
}

template <class T>
void RegularisedDynamics<T>::vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar,
                                 std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index D = w_z.rows(), B = w_z.cols(), C = plain_.method().columns;
  const T *f = tape + plain_.tape_size(B), *JV = f + D * B;
  T *w_f = scratch.take<T>(D * B), *w_div = scratch.take<T>(B);
  std::copy_n(w_z.data(), D * B, w_f);
  for (Index b = 0; b < B; ++b) w_div[b] = w_q(0, b);
  const Tile<T> of_div(w_div, 1, B);
  const auto add = [D](T by, const T* y, T* to) {
    for (Index i = 0; i < D; ++i) to[i] += by * y[i];
  };
  for (std::size_t r = 0; r < beside_.size(); ++r)
    for (Index b = 0; b < B && beside_[r] == Quadrature::kinetic; ++b)
      add(2 * scale(beside_[r]) * w_q(static_cast<Index>(r) + 1, b), f + b * D, w_f + b * D);
  const Tile<T> of_f(w_f, D, B);
  if (by_trace()) return field_.trace()->trace_vjp(tape, of_f, of_div, z_bar, t_bar, params_bar, scratch);

  const Tile<T> V = plain_.tangents(B, scratch);
  T* const w_jv = plain_.pull_contraction(V, of_div, scratch);
  for (std::size_t r = 0; r < beside_.size(); ++r)
    for (Index n = 0; n < C * B && beside_[r] == Quadrature::frobenius; ++n)
      add(2 * scale(beside_[r]) * w_q(static_cast<Index>(r) + 1, n % B), JV + n * D, w_jv + n * D);
  field_.vjp(tape, V, of_f, Tile<T>(w_jv, D, C * B), z_bar, t_bar, params_bar, scratch);
}

template class RegularisedDynamics<float>;
template class RegularisedDynamics<double>;

}  // namespace cnf
