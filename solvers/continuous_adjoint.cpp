#include "solvers/continuous_adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "solvers/step.hpp"

namespace cnf {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("continuous_adjoint: " + what); }

template <class M>
void check_shape(const char* what, const M& x, Index rows, Index cols) {
  if (x.rows() == rows && x.cols() == cols) return;
  refuse(std::string(what) + " is " + std::to_string(x.rows()) + " x " + std::to_string(x.cols()) + ", expected " +
         std::to_string(rows) + " x " + std::to_string(cols));
}

/// <w_z, f(t, z)> and <w_q, q'(t, z)>.
struct Rates {
  double z = 0, q = 0;
};
template <class T>
Rates rates(const Dynamics<T>& dynamics, const Shape& shape, double t, const T* z, const T* w_z, const T* w_q,
            Scratch& scratch, Counters& counters) {
  const Scratch::Frame frame(scratch);
  T* const k = scratch.take<T>(shape.size());
  evaluate(dynamics, shape, t, z, k, static_cast<T*>(nullptr), scratch);
  ++counters.evaluations;
  const auto dot = [](const T* x, const T* y, Index n) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    return sum;
  };
  return {dot(w_z, k, shape.z()), dot(w_q, k + shape.z(), shape.q())};
}

}  // namespace

template <class T>
void AdjointDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T>, std::span<T> ds, T*,
                                 Scratch& scratch) const {
  const Blocks rows = f_.blocks();
  const Index D = rows.z, B = z.cols();
  const Scratch::Frame frame(scratch);
  // The inner dynamics wants its blocks contiguous.
  Out<T> z_in(scratch.take<T>(D * B), D, B), a(scratch.take<T>(D * B), D, B), f(scratch.take<T>(D * B), D, B);
  Out<T> z_bar(scratch.take<T>(D * B), D, B), dq(scratch.take<T>(rows.q * B), rows.q, B);
  const auto s = static_cast<std::size_t>(rows.s);
  T* const tape = scratch.take<T>(f_.tape_size(B));
  z_in = z.topRows(D);
  a = z.bottomRows(D);
  f_.forward(t, Tile<T>(z_in.data(), D, B), f, dq, std::span<T>(scratch.take<T>(rows.s), s), tape, scratch);

  z_bar.setZero();
  std::fill(ds.begin(), ds.end(), T{0});
  T* const t_bar = scratch.take<T>(static_cast<Index>(t.size()));
  std::fill_n(t_bar, t.size(), T{0});
  f_.vjp(tape, Tile<T>(a.data(), D, B), w_q_, z_bar, std::span<T>(t_bar, t.size()), ds, scratch);
  dz.topRows(D) = f;
  dz.bottomRows(D) = -z_bar;
  for (T& x : ds) x = -x;
}

template <class T>
void AdjointDynamics<T>::jvp(const T*, Tile<T>, Times<T>, Out<T>, Out<T>, Scratch&) const {
  throw std::logic_error("AdjointDynamics: jvp: no second derivatives of the adjoint");
}
template <class T>
void AdjointDynamics<T>::vjp(const T*, Tile<T>, Tile<T>, Out<T>, std::span<T>, std::span<T>, Scratch&) const {
  throw std::logic_error("AdjointDynamics: vjp: no second derivatives of the adjoint");
}

template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, double t_begin, const Observations<T>& observations,
                          const SolveOptions& options, Out<T> z_bar, std::span<T> params_bar, double& dloss_dt_begin,
                          std::span<double> dloss_dtimes, Scratch& scratch, Counters& counters) {
  check(options);
  const Blocks rows = dynamics.blocks();
  const Index D = rows.z, B = z_bar.cols(), count = static_cast<Index>(observations.times.size());
  if (count < 1) refuse("there are no observation times");
  if (static_cast<Index>(dloss_dtimes.size()) != count)
    refuse("dloss_dtimes has " + std::to_string(dloss_dtimes.size()) + " values for " + std::to_string(count) +
           " times");
  check_shape("z_bar", z_bar, D, B);
  check_shape("z", observations.z, D, B * count);
  check_shape("w_z", observations.w_z, D, B * count);
  check_shape("w_q", observations.w_q, rows.q, B);
  if (static_cast<Index>(params_bar.size()) != dynamics.gradient_size())
    refuse("params_bar has " + std::to_string(params_bar.size()) + " values, the dynamics " +
           std::to_string(dynamics.gradient_size()));
  const double t_end = observations.times.back();
  if (!std::isfinite(t_begin)) refuse("t_begin is " + std::to_string(t_begin) + ", expected a finite time");
  for (Index i = 0; i < count; ++i) {
    const double before = i > 0 ? observations.times[i - 1] : t_begin, t = observations.times[i];
    const bool repeats = t == before && i > 0;
    if (!std::isfinite(t) || repeats || (t_end >= t_begin ? t < before : t > before))
      refuse("times[" + std::to_string(i) + "] is " + std::to_string(t) + ", after " + std::to_string(before) +
             " towards " + std::to_string(t_end));
  }

  const Shape shape{rows, B};
  const AdjointDynamics<T> augmented(dynamics, observations.w_q);
  State<T> state(augmented.blocks(), B);
  const Scratch::Frame frame(scratch);
  T* const z = scratch.take<T>(D * B);
  T* const a = scratch.take<T>(D * B);
  const Out<T> a_tile(a, D, B);
  Out<T>(a, D, B).setZero();

  Status status;
  for (Index i = count - 1; i >= 0; --i) {
    const double t = observations.times[i], t_next = i > 0 ? observations.times[i - 1] : t_begin;
    const T* const z_seen = observations.z.data() + i * D * B;
    const T* const w_seen = observations.w_z.data() + i * D * B;
    const Rates seen = rates(dynamics, shape, t, z_seen, w_seen, observations.w_q.data(), scratch, counters);
    dloss_dtimes[i] = seen.z + (i == count - 1 ? seen.q : 0.0);
    Out<T>(a, D, B) += Tile<T>(w_seen, D, B);
    state.z().topRows(D) = Tile<T>(z_seen, D, B);
    state.z().bottomRows(D) = a_tile;
    const Status leg = integrate(augmented, t, t_next, state, options, scratch, counters);
    const std::int64_t accepted = status.accepted + leg.accepted, rejected = status.rejected + leg.rejected;
    status = leg;
    status.accepted = accepted;
    status.rejected = rejected;
    if (!status.ok()) return status;
    Out<T>(a, D, B) = state.z().bottomRows(D);
  }
  Out<T>(z, D, B) = state.z().topRows(D);
  const Rates first = rates(dynamics, shape, t_begin, z, a, observations.w_q.data(), scratch, counters);
  dloss_dt_begin = -first.z - first.q;
  z_bar = a_tile;
  const std::span<T> s = state.s();
  for (std::size_t i = 0; i < s.size(); ++i) params_bar[i] += s[i];
  return status;
}

template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, double t_begin, double t_end, Tile<T> z_end, Tile<T> w_z,
                          Tile<T> w_q, const SolveOptions& options, Out<T> z_bar, std::span<T> params_bar,
                          double& dloss_dt_begin, double& dloss_dt_end, Scratch& scratch, Counters& counters) {
  const Observations<T> last{std::span<const double>(&t_end, 1), z_end, w_z, w_q};
  return continuous_adjoint(dynamics, t_begin, last, options, z_bar, params_bar, dloss_dt_begin,
                            std::span<double>(&dloss_dt_end, 1), scratch, counters);
}

#define CNF_INSTANTIATE(T)                                                                                            \
  template class AdjointDynamics<T>;                                                                                  \
  template Status continuous_adjoint(const Dynamics<T>&, double, const Observations<T>&, const SolveOptions&, Out<T>, \
                                     std::span<T>, double&, std::span<double>, Scratch&, Counters&);                  \
  template Status continuous_adjoint(const Dynamics<T>&, double, double, Tile<T>, Tile<T>, Tile<T>,                   \
                                     const SolveOptions&, Out<T>, std::span<T>, double&, double&, Scratch&,           \
                                     Counters&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
