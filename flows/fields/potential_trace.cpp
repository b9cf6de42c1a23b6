// The closed form of the potential's divergence, minus the sum of e_i^T H e_i. Letters and invariants as in
// potential.cpp; r of the unit vector e_i is column i of K, the same for every sample.
#include "base/kernels/matmul.hpp"
#include "base/kernels/reduce.hpp"
#include "flows/fields/potential_tape.hpp"

namespace cnf {

using kernels::multiply, kernels::multiply_transposed_add, potential::Array, potential::ConstArray;

template <class T>
void PotentialField<T>::trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), n = M_ * B;
  const On on = evaluate(t, z, f, tape ? tape : scratch.take<T>(trace_tape_size(B)), scratch);
  T *x = scratch.take<T>(D_ * n), *h = scratch.take<T>(n), *yy = scratch.take<T>(n);
  for (Index i = 0; i < D_; ++i)
    for (Index b = 0; b < B; ++b)
      Array<T>(x + i * n + b * M_, M_) = ConstArray<T>(on.p + b * M_, M_) * ConstArray<T>(at(K0_) + i * M_, M_);
  multiply<T>({at(K1_), M_, M_}, {x, M_, D_ * B}, {on.y, M_, D_ * B});
  Array<T> sum(yy, n);
  sum = on.all(on.y).square();
  for (Index i = 1; i < D_; ++i) sum += on.all(on.y + i * n).square();
  sum *= T(1) - on.all(on.p1).square();
  Array<T>(h, n) = (T(1) - on.all(on.p).square()) * on.all(on.z1);
  const T still = S_.diagonal().head(D_).sum();
  for (Index b = 0; b < B; ++b)
    div(0, b) = -(still + kernels::dot<T>(M_, squares_.data(), h + b * M_) + kernels::dot<T>(M_, at(w_), yy + b * M_));
}

template <class T>
void PotentialField<T>::trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                                  Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), n = M_ * B;
  const On on(*this, tape, B);
  const Moved moved = push(on, z_dot, t_dot, f_dot, scratch);
  if (div_dot.size() == 0) return;
  T *x = scratch.take<T>(D_ * n), *y_dot = scratch.take<T>(D_ * n), *sum = scratch.take<T>(n);
  for (Index i = 0; i < D_; ++i)
    for (Index b = 0; b < B; ++b)
      Array<T>(x + i * n + b * M_, M_) = ConstArray<T>(moved.p + b * M_, M_) * ConstArray<T>(at(K0_) + i * M_, M_);
  multiply<T>({at(K1_), M_, M_}, {x, M_, D_ * B}, {y_dot, M_, D_ * B});
  Array<T> yy(sum, n), h(x, n);
  yy.setZero();
  for (Index i = 0; i < D_; ++i)
    yy += on.all(on.y + i * n) * ((T(1) - on.all(on.p1).square()) * on.all(y_dot + i * n) -
                                  on.all(on.p1) * on.all(moved.p1) * on.all(on.y + i * n));
  h = (T(1) - on.all(on.p).square()) * on.all(moved.z1) - T(2) * on.all(on.p) * on.all(moved.p) * on.all(on.z1);
  for (Index b = 0; b < B; ++b)
    div_dot(0, b) =
        -kernels::dot<T>(M_, squares_.data(), x + b * M_) - T(2) * kernels::dot<T>(M_, at(w_), sum + b * M_);
}

template <class T>
void PotentialField<T>::pull_trace(const On& on, Tile<T> w_div, const Bars& bars, std::span<T> params_bar,
                                   Scratch& scratch) const {
  const Index B = on.B, n = on.n, rows = D_ + 1;
  T *wdy = scratch.take<T>(D_ * n), *m = scratch.take<T>(D_ * n), *x = scratch.take<T>(D_ * n), sum = 0;
  T *h = scratch.take<T>(n), *wd = scratch.take<T>(n);
  const ConstArray<T> squares(squares_.data(), M_), w(at(w_), M_);
  Array<T>(h, n) = T(1) - on.all(on.p).square();
  Array<T>(wd, n) = T(1) - on.all(on.p1).square();
  for (Index b = 0; b < B; ++b) {
    const T by = -w_div(0, b);
    const ConstArray<T> z1(on.z1 + b * M_, M_);
    Array<T> d(h + b * M_, M_), d1(wd + b * M_, M_), yy(bars.yy + b * M_, M_);
    sum += by;
    Array<T>(bars.z1 + b * M_, M_) += by * d * squares;
    Array<T>(bars.d + b * M_, M_) += by * z1 * squares;
    for (Index i = 0; i < D_; ++i) yy += by * ConstArray<T>(on.y + i * n + b * M_, M_).square();
    d *= by * z1;
    d1 *= by * w;
  }
  for (Index i = 0; i < D_; ++i) {
    Array<T>(wdy + i * n, n) = on.all(wd) * on.all(on.y + i * n);
    for (Index b = 0; b < B; ++b)
      Array<T>(x + i * n + b * M_, M_) = T(2) * ConstArray<T>(on.p + b * M_, M_) * ConstArray<T>(at(K0_) + i * M_, M_);
  }
  multiply_transposed_add<T>({wdy, M_, D_ * B}, {x, M_, D_ * B}, {params_bar.data() + K1_, M_, M_});
  multiply<T>({K1t_.data(), M_, M_}, {wdy, M_, D_ * B}, {m, M_, D_ * B});
  for (Index i = 0; i < D_; ++i) {
    const ConstArray<T> r(at(K0_) + i * M_, M_);
    Array<T> r_bar(params_bar.data() + K0_ + i * M_, M_);
    for (Index b = 0; b < B; ++b) {
      const ConstArray<T> m_b(m + i * n + b * M_, M_);
      Array<T>(bars.p + b * M_, M_) += T(2) * r * m_b;
      r_bar += T(2) * (ConstArray<T>(h + b * M_, M_) * r + ConstArray<T>(on.p + b * M_, M_) * m_b);
    }
    bars.S[i * rows + i] += sum;
  }
}

template <class T>
void PotentialField<T>::trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar,
                                  std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const On on(*this, tape, w_f.cols());
  const Bars bars = pull(on, w_f, params_bar, scratch);
  pull_trace(on, w_div, bars, params_bar, scratch);
  pull_layers(on, bars, z_bar, t_bar, params_bar, scratch);
}

#define CNF_INSTANTIATE(T)                                                                                             \
  template void PotentialField<T>::trace_forward(Times<T>, Tile<T>, Out<T>, Out<T>, T*, Scratch&) const;               \
  template void PotentialField<T>::trace_jvp(const T*, Tile<T>, Times<T>, Out<T>, Out<T>, Scratch&) const;             \
  template void PotentialField<T>::trace_vjp(const T*, Tile<T>, Tile<T>, Out<T>, std::span<T>, std::span<T>, Scratch&) \
      const;
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
