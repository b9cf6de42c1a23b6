// Invariants. The tape is the field's, then f (rows() B values, d Phi/dt below where a rate takes it) and J V (D values
// for every tangent column), from which the rates' derivatives are made. A rate is scale * |y|^2, y = f or the columns
// of J V, or scale * |residual|: its sign is that of dt, so what is integrated against dt is never negative; an
// estimate has the mean over its probes in the scale too.
#include "flows/quadratures.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cnf {

namespace {

template <class T>
T product(Index D, const T* x, const T* y) {
  T sum = 0;
  for (Index i = 0; i < D; ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace

std::string_view name(Quadrature quadrature) {
  return quadrature == Quadrature::kinetic ? "kinetic" : quadrature == Quadrature::frobenius ? "frobenius" : "hjb";
}

std::string_view help(Quadrature quadrature) {
  return quadrature == Quadrature::kinetic     ? "the paths' kinetic energy"
         : quadrature == Quadrature::frobenius ? "the square of the field's Jacobian"
                                               : "what --field potential lacks of straight paths";
}

template <class T>
RegularisedDynamics<T>::RegularisedDynamics(const Field<T>& field, DivergenceMethod method, const T* probes,
                                            std::span<const Quadrature> beside, bool forwards)
    : field_(field),
      plain_(field, method, probes),
      beside_(beside),
      sign_(forwards ? T(1) : T(-1)),
      slope_(std::any_of(beside.begin(), beside.end(), needs_potential)) {
  if (by_trace() && std::any_of(beside.begin(), beside.end(), needs_tangents))
    throw std::invalid_argument(
        "RegularisedDynamics: the Jacobian's norm needs tangents or probes, not the closed form");
  if (slope_ && !field.has_potential())
    throw std::invalid_argument("RegularisedDynamics: hjb needs a field that is the slope of a potential");
}

template <class T>
Index RegularisedDynamics<T>::tape_size(Index B) const {
  return plain_.tape_size(B) + (rows() + field_.dim() * plain_.method().columns) * B;
}

template <class T>
T RegularisedDynamics<T>::scale(Quadrature quadrature) const {
  const DivergenceMethod& method = plain_.method();
  const bool mean = quadrature == Quadrature::frobenius && method.kind == DivergenceMethod::Kind::hutchinson;
  return mean ? sign_ / static_cast<T>(method.columns) : sign_;
}

/// d Phi/dt - |f|^2 / 2 of one sample.
template <class T>
T RegularisedDynamics<T>::residual(const T* f) const {
  return f[field_.dim()] - product(field_.dim(), f, f) / 2;
}

template <class T>
void RegularisedDynamics<T>::rates(const T* f, const T* JV, Out<T> dq) const {
  const Index D = field_.dim(), B = dq.cols(), C = plain_.method().columns;
  for (std::size_t r = 0; r < beside_.size(); ++r)
    for (Index b = 0; b < B; ++b) {
      const T* const f_b = f + b * rows();
      T sum = 0;
      if (beside_[r] == Quadrature::kinetic) sum = product(D, f_b, f_b);
      if (beside_[r] == Quadrature::hjb) sum = std::abs(residual(f_b));
      for (Index c = 0; c < C && beside_[r] == Quadrature::frobenius; ++c)
        sum += product(D, JV + (c * B + b) * D, JV + (c * B + b) * D);
      dq(static_cast<Index>(r) + 1, b) = scale(beside_[r]) * sum;
    }
}

template <class T>
void RegularisedDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T>, T* tape,
                                     Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index D = z.rows(), B = z.cols(), columns = plain_.method().columns * B;
  T* const f = tape ? tape + plain_.tape_size(B) : scratch.take<T>(rows() * B);
  T* const JV = tape ? f + rows() * B : scratch.take<T>(D * columns);
  const Out<T> div(scratch.take<T>(B), 1, B), values(f, rows(), B);
  if (by_trace()) {
    field_.trace()->trace_forward(t, z, values, div, tape, scratch);
  } else {
    const Tile<T> V = plain_.tangents(B, scratch);
    field_.forward(t, z, V, values, Out<T>(JV, D, columns), tape, scratch);
    plain_.contract(V, JV, div);
  }
  for (Index b = 0; b < B; ++b) {
    std::copy_n(f + b * rows(), D, dz.data() + b * D);
    dq(0, b) = div(0, b);
  }
  rates(f, JV, dq);
}

/// Of sample b's rate; `kept` is f and J V on the tape.
template <class T>
T RegularisedDynamics<T>::rate_dot(Quadrature quadrature, Index b, Index B, const T* kept, const T* f_dot,
                                   const T* JV_dot) const {
  const Index D = field_.dim();
  const T *f = kept + b * rows(), *JV = kept + rows() * B;
  f_dot += b * rows();
  T sum = 0;
  if (quadrature == Quadrature::kinetic) sum = 2 * product(D, f, f_dot);
  if (quadrature == Quadrature::hjb) sum = std::copysign(T(1), residual(f)) * (f_dot[D] - product(D, f, f_dot));
  for (Index c = 0; c < plain_.method().columns && quadrature == Quadrature::frobenius; ++c)
    sum += 2 * product(D, JV + (c * B + b) * D, JV_dot + (c * B + b) * D);
  return scale(quadrature) * sum;
}

template <class T>
void RegularisedDynamics<T>::jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot,
                                 Scratch& scratch) const {
  if (dq_dot.size() == 0) return plain_.jvp(tape, v, t_dot, dz_dot, dq_dot, scratch);
  const Scratch::Frame frame(scratch);
  const Index D = v.rows(), B = v.cols(), C = plain_.method().columns;
  T *const JV_dot = scratch.take<T>(D * C * B), *const f_dot = scratch.take<T>(rows() * B);
  const Out<T> div_dot(scratch.take<T>(B), 1, B), values(f_dot, rows(), B);
  if (by_trace()) {
    field_.trace()->trace_jvp(tape, v, t_dot, values, div_dot, scratch);
  } else {
    const Tile<T> V = plain_.tangents(B, scratch);
    field_.jvp(tape, V, v, t_dot, values, Out<T>(JV_dot, D, C * B), scratch);
    plain_.contract(V, JV_dot, div_dot);
  }
  for (Index b = 0; b < B; ++b) {
    std::copy_n(f_dot + b * rows(), D, dz_dot.data() + b * D);
    dq_dot(0, b) = div_dot(0, b);
    for (std::size_t r = 0; r < beside_.size(); ++r)
      dq_dot(static_cast<Index>(r) + 1, b) = rate_dot(beside_[r], b, B, tape + plain_.tape_size(B), f_dot, JV_dot);
  }
}

template <class T>
void RegularisedDynamics<T>::vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar,
                                 std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index D = w_z.rows(), B = w_z.cols(), C = plain_.method().columns;
  const T *f = tape + plain_.tape_size(B), *JV = f + rows() * B;
  T *w_f = scratch.take<T>(rows() * B), *w_div = scratch.take<T>(B);
  const auto add = [D](T by, const T* y, T* to) {
    for (Index i = 0; i < D; ++i) to[i] += by * y[i];
  };
  for (Index b = 0; b < B; ++b) {
    T* const w_b = w_f + b * rows();
    std::copy_n(w_z.data() + b * D, D, w_b);
    if (slope_) w_b[D] = 0;
    w_div[b] = w_q(0, b);
    for (std::size_t r = 0; r < beside_.size(); ++r) {
      const T by = scale(beside_[r]) * w_q(static_cast<Index>(r) + 1, b), *const f_b = f + b * rows();
      if (beside_[r] == Quadrature::kinetic) add(2 * by, f_b, w_b);
      if (beside_[r] != Quadrature::hjb) continue;
      const T signed_by = by * std::copysign(T(1), residual(f_b));
      w_b[D] += signed_by;
      add(-signed_by, f_b, w_b);
    }
  }
  const Tile<T> of_f(w_f, rows(), B), of_div(w_div, 1, B);
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
