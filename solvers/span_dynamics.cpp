// Invariants. The tape holds f's own, then the s of every sample, then f and q' before they were scaled by L: what the
// ends' gradients read. Inside, f always sees one time a sample.
#include "solvers/span_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {

template <class T>
SpanDynamics<T>::SpanDynamics(const Dynamics<T>& f, std::span<const double> t0, std::span<const double> t1) : f_(f) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("SpanDynamics: " + what); };
  if (t0.size() != t1.size())
    refuse(std::to_string(t0.size()) + " times to begin and " + std::to_string(t1.size()) + " to end");
  if (f.blocks().s > 0) refuse("the dynamics has an s block, whose rates are summed over samples");
  for (std::size_t b = 0; b < t0.size(); ++b) {
    if (!std::isfinite(t0[b]) || !std::isfinite(t1[b]))
      refuse("span " + std::to_string(b) + " goes from " + shortest(t0[b]) + " to " + shortest(t1[b]));
    t0_.push_back(static_cast<T>(t0[b]));
    t1_.push_back(static_cast<T>(t1[b]));
    length_.push_back(static_cast<T>(t1[b] - t0[b]));
  }
}

template <class T>
Index SpanDynamics<T>::tape_size(Index B) const {
  return f_.tape_size(B) + (1 + f_.blocks().z + f_.blocks().q) * B;
}

template <class T>
void SpanDynamics<T>::forward(Times<T> s, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape,
                              Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols();
  if (B != spans())
    throw std::invalid_argument("SpanDynamics: a tile of " + std::to_string(B) + " samples for " +
                                std::to_string(spans()) + " spans");
  T* const t = scratch.take<T>(B);
  T* const kept = tape ? tape + f_.tape_size(B) : nullptr;
  for (Index b = 0; b < B; ++b) {
    const auto k = static_cast<std::size_t>(b);
    const T at = s[s.size() > 1 ? k : 0];
    t[b] = at == T(1) ? t1_[k] : t0_[k] + at * length_[k];
    if (kept) kept[b] = at;
  }
  f_.forward(Times<T>(t, static_cast<std::size_t>(B)), z, dz, dq, ds, tape, scratch);
  if (kept) {
    std::copy_n(dz.data(), dz.size(), kept + B);
    std::copy_n(dq.data(), dq.size(), kept + B + dz.size());
  }
  for (Index b = 0; b < B; ++b) {
    dz.col(b) *= length_[static_cast<std::size_t>(b)];
    dq.col(b) *= length_[static_cast<std::size_t>(b)];
  }
}

template <class T>
void SpanDynamics<T>::jvp(const T* tape, Tile<T> v, Times<T> s_dot, Out<T> dz_dot, Out<T> dq_dot,
                          Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = v.cols();
  T* const t_dot = scratch.take<T>(B);
  for (Index b = 0; b < B; ++b) {
    const auto k = static_cast<std::size_t>(b);
    t_dot[b] = length_[k] * s_dot[s_dot.size() > 1 ? k : 0];
  }
  f_.jvp(tape, v, Times<T>(t_dot, static_cast<std::size_t>(B)), dz_dot, dq_dot, scratch);
  for (Index b = 0; b < B; ++b) {
    dz_dot.col(b) *= length_[static_cast<std::size_t>(b)];
    dq_dot.col(b) *= length_[static_cast<std::size_t>(b)];
  }
}

template <class T>
void SpanDynamics<T>::vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> s_bar,
                          std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = w_z.cols(), nz = w_z.size(), nq = w_q.size();
  T *scaled = scratch.take<T>(nz + nq), *t_bar = scratch.take<T>(B);
  std::fill_n(t_bar, B, T{0});
  Out<T> scaled_z(scaled, w_z.rows(), B), scaled_q(scaled + nz, w_q.rows(), B);
  for (Index b = 0; b < B; ++b) {
    scaled_z.col(b) = length_[static_cast<std::size_t>(b)] * w_z.col(b);
    scaled_q.col(b) = length_[static_cast<std::size_t>(b)] * w_q.col(b);
  }
  const auto own = static_cast<std::size_t>(f_.gradient_size());
  f_.vjp(tape, Tile<T>(scaled, w_z.rows(), B), Tile<T>(scaled + nz, w_q.rows(), B), z_bar,
         std::span<T>(t_bar, static_cast<std::size_t>(B)), params_bar.first(own), scratch);

  const T* const kept = tape + f_.tape_size(B);
  const Tile<T> f(kept + B, w_z.rows(), B), q(kept + B + nz, w_q.rows(), B);
  T *const t0_bar = params_bar.data() + own, *const t1_bar = t0_bar + B;
  for (Index b = 0; b < B; ++b) {
    const auto k = static_cast<std::size_t>(b);
    const T s = kept[b], along = w_z.col(b).dot(f.col(b)) + w_q.col(b).dot(q.col(b));
    t0_bar[b] += (1 - s) * t_bar[b] - along;
    t1_bar[b] += s * t_bar[b] + along;
    s_bar[s_bar.size() > 1 ? k : 0] += length_[k] * t_bar[b];
  }
}

template class SpanDynamics<float>;
template class SpanDynamics<double>;

}  // namespace cnf
