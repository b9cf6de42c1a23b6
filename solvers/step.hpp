// One explicit step, stage by stage: shared by the solve and by its transpose, so both see the same bits.
#pragma once

#include <array>
#include <span>
#include <utility>

#include "solvers/dynamics.hpp"
#include "solvers/step_rule.hpp"

namespace cnf {

/// Shape of a tile's state: z (blocks.z x B), q (blocks.q x B), s (blocks.s), contiguous in this order.
struct Shape {
  Blocks blocks;
  Index B = 0;
  Index z() const { return blocks.z * B; }
  Index q() const { return blocks.q * B; }
  Index size() const { return z() + q() + blocks.s; }
};

/// A step's stages and the slope at its end, by number; null where there is none.
template <class T>
using Slots = std::array<T*, kMaxTerms>;

/// <x, y> of n values, summed in double: what a cotangent says of a slope.
template <class T>
double dot(const T* x, const T* y, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

namespace detail {

template <class T, int M>
void combine_terms(T* __restrict out, const T* y, const T* const* terms, const T* weights, Index n) {
  std::array<const T*, M> k;
  std::array<T, M> w;
  for (int m = 0; m < M; ++m) k[m] = terms[m], w[m] = weights[m];
  if (y) {
    for (Index i = 0; i < n; ++i) {
      T sum = y[i];
      for (int m = 0; m < M; ++m) sum += w[m] * k[m][i];
      out[i] = sum;
    }
  } else {
    for (Index i = 0; i < n; ++i) {
      T sum = w[0] * k[0][i];
      for (int m = 1; m < M; ++m) sum += w[m] * k[m][i];
      out[i] = sum;
    }
  }
}

/// combine for N values, whose sums stay in registers: half of a small system's step is saved. The terms are added in
/// the same order, to the same bits.
template <class T, int N>
void combine_narrow(T* __restrict out, const T* y, double h, const double* w, int stages, T* const* k) {
  std::array<T, N> sum{};
  int i = 0;
  if (y) {
    for (int r = 0; r < N; ++r) sum[r] = y[r];
  } else {
    while (i < stages && w[i] == 0) ++i;
    for (int r = 0; r < N && i < stages; ++r) sum[r] = static_cast<T>(h * w[i]) * k[i][r];
    ++i;
  }
  for (; i < stages; ++i) {
    if (w[i] == 0) continue;
    const T weight = static_cast<T>(h * w[i]);
    for (int r = 0; r < N; ++r) sum[r] += weight * k[i][r];
  }
  for (int r = 0; r < N; ++r) out[r] = sum[r];
}

}  // namespace detail

/// out = y + h sum_{i < stages} w_i k_i over n values (y null: without y). Zero weights are skipped: their k may be
/// anything, even unset; of others there are at most kMaxStages. One pass over memory. out must not overlap the rest.
template <class T>
void combine(T* out, const T* y, double h, std::span<const double> w, int stages, const Slots<T>& k, Index n) {
  using Narrow = void (*)(T*, const T*, double, const double*, int, T* const*);
  constexpr std::array<Narrow, 4> kNarrow{&detail::combine_narrow<T, 1>, &detail::combine_narrow<T, 2>,
                                          &detail::combine_narrow<T, 3>, &detail::combine_narrow<T, 4>};
  if (n >= 1 && n <= std::ssize(kNarrow)) return kNarrow[n - 1](out, y, h, w.data(), stages, k.data());
  std::array<const T*, kMaxStages> terms;
  std::array<T, kMaxStages> weights;
  int count = 0;
  for (int i = 0; i < stages; ++i) {
    if (w[i] == 0) continue;
    terms[count] = k[i];
    weights[count++] = static_cast<T>(h * w[i]);
  }
  using Terms = void (*)(T*, const T*, const T* const*, const T*, Index);
  static constexpr auto kTerms = []<int... M>(std::integer_sequence<int, M...>) {
    return std::array<Terms, kMaxStages>{&detail::combine_terms<T, M + 1>...};
  }
  (std::make_integer_sequence<int, kMaxStages>{});
  if (count > 0) {
    kTerms[count - 1](out, y, terms.data(), weights.data(), n);
  } else {
    for (Index i = 0; i < n; ++i) out[i] = y ? y[i] : T{0};
  }
}

/// k = (f, q', s')(t, z), all blocks; tape may be null.
template <class T>
void evaluate(const Dynamics<T>& dynamics, const Shape& shape, Times<T> t, const T* z, T* k, T* tape,
              Scratch& scratch) {
  const auto s = static_cast<std::size_t>(shape.blocks.s);
  dynamics.forward(t, Tile<T>(z, shape.blocks.z, shape.B), Out<T>(k, shape.blocks.z, shape.B),
                   Out<T>(k + shape.z(), shape.blocks.q, shape.B), std::span<T>(k + shape.z() + shape.q(), s), tape,
                   scratch);
}
template <class T>
void evaluate(const Dynamics<T>& dynamics, const Shape& shape, double t, const T* z, T* k, T* tape, Scratch& scratch) {
  const T time = static_cast<T>(t);
  evaluate(dynamics, shape, Times<T>(&time, 1), z, k, tape, scratch);
}

/// Slopes at the starts of earlier steps, by how many steps ago: [1] of the last, ...; [0] is not used.
template <class T>
using Past = std::array<const T*, kMaxHistory + 1>;

/// out = y + h (sum_{i < own} w_i k_i + sum_{m = 1}^{history} v_m past_m) over n values.
template <class T>
void combine(T* out, const T* y, double h, const std::array<double, kMaxStages>& w, int own, const Slots<T>& k,
             const std::array<double, kMaxHistory + 1>& v, int history, const Past<T>& past, Index n) {
  static_assert(2 + kMaxHistory <= kMaxStages);
  std::array<double, kMaxStages> weights = w;
  Slots<T> terms = k;
  for (int m = 1; m <= history; ++m) {
    weights[own + m - 1] = v[m];
    terms[own + m - 1] = const_cast<T*>(past[m]);  // combine reads alone
  }
  combine(out, y, h, weights, own + history, terms, n);
}

/// Stages first <= i < last of a step from (t, y) to t_next into k[i] and, where not null, tape[i], by
/// slope(t, z, k, tape); `z` is work space for a stage's argument (blocks.z x B).
template <class T, class Slope>
void evaluate_stages(const Slope& slope, const StepRule& rule, const Shape& shape, double t, double t_next, const T* y,
                     int first, int last, const Slots<T>& k, const Slots<T>& tape, const Past<T>& past, T* z) {
  const Tableau& m = *rule.own;
  const double h = t_next - t;
  for (int i = first; i < last; ++i) {
    // c = 1 is t_next itself: the same bits as the next step's first stage.
    const double at = m.c[i] == 1 ? t_next : t + m.c[i] * h;
    if (i > 0 && rule.past)
      combine(z, y, h, m.a[i], i, k, rule.past->predict, rule.history(), past, shape.z());
    else if (i > 0)
      combine(z, y, h, m.a[i], i, k, shape.z());
    slope(at, i > 0 ? z : y, k[i], tape[i]);
  }
}

/// The extra stages of a step from (t, y) to t_next, which values between its ends read, after those of all others and
/// the slope at its end; in k and, where not null, tape from stages() + 1 on. `z` as above.
template <class T, class Slope>
void evaluate_extra(const Slope& slope, const StepRule& rule, const Shape& shape, double t, double t_next, const T* y,
                    const Slots<T>& k, const Slots<T>& tape, T* z) {
  const double h = t_next - t;
  for (int e = 0; e < rule.extra(); ++e) {
    const int i = rule.stages() + 1 + e;
    combine(z, y, h, rule.own->dense->a[e], i, k, shape.z());
    slope(t + rule.own->dense->c[e] * h, z, k[i], tape[i]);
  }
}

/// y_next from the stages of a step of size h.
template <class T>
void advance(T* y_next, const StepRule& rule, const Shape& shape, const T* y, double h, const Slots<T>& k,
             const Past<T>& past) {
  if (rule.past)
    combine(y_next, y, h, rule.own->b, rule.stages(), k, rule.past->correct, rule.history(), past, shape.size());
  else
    combine(y_next, y, h, rule.own->b, rule.stages(), k, shape.size());
}

}  // namespace cnf
