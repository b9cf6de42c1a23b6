// Letters as in docs/math.md, section 4, "potential": s = (z, t), a = K_0 s + b_0, u = sigma(a), p = tanh(a), a_1 =
// K_1 u + b_1, p_1 = tanh(a_1), z_1 = w + K_1^T (w o p_1), grad Phi = K_0^T (p o z_1) + S s + b; d = 1 - p^2 and d_1
// likewise. K is K_0 without its last column, that of t, and r = K v for a tangent v, of which y = K_1 (p o r).
// Invariants. The tape holds s, p, u, p_1, z_1, and behind them, where the closed form was asked for, y for all unit
// vectors. The bilinear form of a cotangent l and a tangent v,
//   l^T H v = sum (d o z_1 o Kl o Kv) + sum (w o d_1 o y_l o y_v) + (A l) . (A v),
// is what both the tangents and the trace are sums of; its derivatives by d z_1 and y are gathered for all of them
// (Bars) before the layers are gone through once. A sum inside a sample has one order, wherever the sample stands.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/kernels/matmul.hpp"
#include "flows/fields/potential_tape.hpp"
#include "flows/kernels/layer.hpp"

namespace cnf {

using kernels::Into, kernels::multiply, kernels::multiply_transposed_add, potential::Array, potential::ConstArray;

namespace {

/// (z, t) of every sample: (D + 1) x B.
template <class T>
void join(Tile<T> z, Times<T> t, T* s) {
  const Index D = z.rows();
  for (Index b = 0; b < z.cols(); ++b) {
    std::copy_n(z.data() + b * D, D, s + b * (D + 1));
    s[b * (D + 1) + D] = t[t.size() == 1 ? 0 : static_cast<std::size_t>(b)];
  }
}

}  // namespace

template <class T>
std::unique_ptr<Field<T>> PotentialShape::make(std::span<const T> params) const {
  return std::make_unique<PotentialField<T>>(*this, params);
}

template <class T>
PotentialField<T>::PotentialField(const PotentialShape& shape, std::span<const T> params)
    : D_(shape.dim), M_(shape.width), params_(params) {
  const Layout all = shape.layout();
  size_ = all.size;
  rank_ = all.tensors[5].rows;
  if (static_cast<Index>(params.size()) != size_)
    throw std::invalid_argument("PotentialField: " + std::to_string(params.size()) + " parameters, this shape has " +
                                std::to_string(size_) + " (with padding; see Layout)");
  const auto offset = [&](std::size_t tensor) { return all.tensors[tensor].offset; };
  K0_ = offset(0), b0_ = offset(1), K1_ = offset(2), b1_ = offset(3), w_ = offset(4), A_ = offset(5), b_ = offset(6);
  const Tile<T> K0(at(K0_), M_, D_ + 1), K1(at(K1_), M_, M_), A(at(A_), rank_, D_ + 1);
  twice_ = T(2) * K0;
  twice_b0_ = T(2) * Tile<T>(at(b0_), M_, 1);
  K0t_ = K0.transpose();
  K1t_ = K1.transpose();
  S_ = A.transpose() * A;
  squares_ = K0.leftCols(D_).rowwise().squaredNorm();
}

/// f and, where it has a row for it, d Phi/dt from grad Phi.
template <class T>
void PotentialField<T>::write(const T* gradient, Out<T> f) const {
  for (Index b = 0; b < f.cols(); ++b)
    for (Index i = 0; i < f.rows(); ++i) {
      const T slope = gradient[b * (D_ + 1) + i];
      f(i, b) = i < D_ ? -slope : slope;
    }
}

/// K x for x: D x n.
template <class T>
T* PotentialField<T>::column_products(const T* x, Index n, Scratch& scratch) const {
  T* r = scratch.take<T>(M_ * n);
  multiply<T>({at(K0_), M_, D_}, {x, D_, n}, {r, M_, n});
  return r;
}

template <class T>
auto PotentialField<T>::evaluate(Times<T> t, Tile<T> z, Out<T> f, T* tape, Scratch& scratch) const -> On {
  const On on(*this, tape, z.cols());
  const Index B = on.B, n = on.n;
  join(z, t, on.s);
  T *soft = scratch.take<T>(n), *share = scratch.take<T>(n), *ones = scratch.take<T>(M_), *a = scratch.take<T>(n);
  std::fill_n(ones, M_, T(1));
  kernels::LayerOut<T> to{soft};
  to.s = share;
  kernels::layer_forward<T>({M_, D_ + 1, twice_.data(), ones, twice_b0_.data(), 0, 0, nullptr, nullptr},
                            Activation::softplus, {B, 0}, on.s, to);
  for (Index b = 0; b < B; ++b) std::copy_n(at(b0_), M_, a + b * M_);
  multiply<T>({at(K0_), M_, D_ + 1}, {on.s, D_ + 1, B}, {a, M_, B}, Into::add);
  Array<T>(on.u, n) = on.all(soft) - on.all(a);
  Array<T>(on.p, n) = T(2) * on.all(share) - T(1);
  kernels::layer_forward<T>({M_, M_, at(K1_), ones, at(b1_), 0, 0, nullptr, nullptr}, Activation::tanh, {B, 0}, on.u,
                            {on.p1});
  for (Index b = 0; b < B; ++b) std::copy_n(at(w_), M_, on.z1 + b * M_);
  multiply<T>({K1t_.data(), M_, M_}, {on.p1, M_, B}, {on.z1, M_, B}, Into::add, at(w_));
  Array<T>(a, n) = on.all(on.p) * on.all(on.z1);
  T* gradient = scratch.take<T>((D_ + 1) * B);
  for (Index b = 0; b < B; ++b) std::copy_n(at(b_), D_ + 1, gradient + b * (D_ + 1));
  multiply<T>({S_.data(), D_ + 1, D_ + 1}, {on.s, D_ + 1, B}, {gradient, D_ + 1, B}, Into::add);
  multiply<T>({K0t_.data(), D_ + 1, M_}, {a, M_, B}, {gradient, D_ + 1, B}, Into::add);
  write(gradient, f);
  return on;
}

/// For r = K v of C tangents a sample: y = K_1 (p o r), which is returned, and m = K_1^T (w o d_1 o y).
template <class T>
T* PotentialField<T>::bend(const On& on, const T* r, Index C, T* m, Scratch& scratch) const {
  const Index n = on.n, columns = C * on.B;
  T *x = scratch.take<T>(C * n), *y = scratch.take<T>(C * n);
  for (Index c = 0; c < C; ++c) Array<T>(x + c * n, n) = on.all(on.p) * on.all(r + c * n);
  multiply<T>({at(K1_), M_, M_}, {x, M_, columns}, {y, M_, columns});
  for (Index c = 0; c < C; ++c) Array<T>(x + c * n, n) = (T(1) - on.all(on.p1).square()) * on.all(y + c * n);
  multiply<T>({K1t_.data(), M_, M_}, {x, M_, columns}, {m, M_, columns}, Into::set, at(w_));
  return y;
}

template <class T>
void PotentialField<T>::forward(Times<T> t, Tile<T> z, Tile<T> V, Out<T> f, Out<T> jv, T* tape,
                                Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), C = V.cols() / B, n = M_ * B;
  const On on = evaluate(t, z, f, tape ? tape : scratch.take<T>(tape_size(B, C)), scratch);
  if (C == 0) return;
  T *r = column_products(V.data(), C * B, scratch), *m = scratch.take<T>(C * n);
  bend(on, r, C, m, scratch);
  for (Index c = 0; c < C; ++c) {
    Array<T> r_c(r + c * n, n);
    r_c = (on.all(on.p).square() - T(1)) * on.all(on.z1) * r_c - on.all(on.p) * on.all(m + c * n);
  }
  multiply<T>({K0t_.data(), D_, M_, D_ + 1}, {r, M_, C * B}, {jv.data(), D_, C * B});
  jv.noalias() -= S_.topLeftCorner(D_, D_).lazyProduct(V);
}

/// The tape's derivatives, and f's.
template <class T>
auto PotentialField<T>::push(const On& on, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Scratch& scratch) const
    -> Moved {
  const Index B = on.B, n = on.n;
  T *s = scratch.take<T>((D_ + 1) * B), *a = scratch.take<T>(n), *gradient = scratch.take<T>((D_ + 1) * B);
  const Moved to{scratch.take<T>(n), scratch.take<T>(n), scratch.take<T>(n)};
  join(z_dot, t_dot, s);
  Array<T> a_dot(a, n), p_dot(to.p, n), p1_dot(to.p1, n);
  multiply<T>({at(K0_), M_, D_ + 1}, {s, D_ + 1, B}, {a, M_, B});
  p_dot = (T(1) - on.all(on.p).square()) * a_dot;
  a_dot *= on.all(on.p);  // u_dot
  multiply<T>({at(K1_), M_, M_}, {a, M_, B}, {to.p1, M_, B});
  p1_dot *= T(1) - on.all(on.p1).square();
  multiply<T>({K1t_.data(), M_, M_}, {to.p1, M_, B}, {to.z1, M_, B}, Into::set, at(w_));
  a_dot = p_dot * on.all(on.z1) + on.all(on.p) * on.all(to.z1);
  multiply<T>({S_.data(), D_ + 1, D_ + 1}, {s, D_ + 1, B}, {gradient, D_ + 1, B});
  multiply<T>({K0t_.data(), D_ + 1, M_}, {a, M_, B}, {gradient, D_ + 1, B}, Into::add);
  write(gradient, f_dot);
  return to;
}

template <class T>
void PotentialField<T>::jvp(const T* tape, Tile<T> V, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                            Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const Index B = z_dot.cols(), C = V.cols() / B, n = M_ * B;
  const On on(*this, tape, B);
  const Moved moved = push(on, z_dot, t_dot, f_dot, scratch);
  if (C == 0) return;
  T *r = column_products(V.data(), C * B, scratch), *m = scratch.take<T>(C * n), *x = scratch.take<T>(C * n);
  T *y_dot = scratch.take<T>(C * n), *m_dot = scratch.take<T>(C * n), *y = bend(on, r, C, m, scratch);
  for (Index c = 0; c < C; ++c) Array<T>(x + c * n, n) = on.all(moved.p) * on.all(r + c * n);
  multiply<T>({at(K1_), M_, M_}, {x, M_, C * B}, {y_dot, M_, C * B});
  for (Index c = 0; c < C; ++c)  // (d_1 o y)'
    Array<T>(x + c * n, n) = (T(1) - on.all(on.p1).square()) * on.all(y_dot + c * n) -
                             T(2) * on.all(on.p1) * on.all(moved.p1) * on.all(y + c * n);
  multiply<T>({K1t_.data(), M_, M_}, {x, M_, C * B}, {m_dot, M_, C * B}, Into::set, at(w_));
  for (Index c = 0; c < C; ++c)
    Array<T>(x + c * n, n) =
        (T(2) * on.all(on.p) * on.all(moved.p) * on.all(on.z1) - (T(1) - on.all(on.p).square()) * on.all(moved.z1)) *
            on.all(r + c * n) -
        on.all(moved.p) * on.all(m + c * n) - on.all(on.p) * on.all(m_dot + c * n);
  multiply<T>({K0t_.data(), D_, M_, D_ + 1}, {x, M_, C * B}, {jv_dot.data(), D_, C * B});
}

/// What w_f says of grad Phi and the layers, and the gradients of K_0 and b by the last product.
template <class T>
auto PotentialField<T>::pull(const On& on, Tile<T> w_f, std::span<T> params_bar, Scratch& scratch) const -> Bars {
  const Index B = on.B, n = on.n, rows = D_ + 1;
  Bars bars{scratch.take<T>(rows * B), scratch.take<T>(n), scratch.take<T>(n),
            scratch.take<T>(n),        scratch.take<T>(n), scratch.take<T>(rows * rows)};
  for (Index b = 0; b < B; ++b)
    for (Index i = 0; i < rows; ++i)
      bars.gradient[b * rows + i] = i < D_ ? -w_f(i, b) : w_f.rows() > D_ ? w_f(D_, b) : T(0);
  T *lifted = scratch.take<T>(n), *pz = scratch.take<T>(n);
  multiply<T>({at(K0_), M_, rows}, {bars.gradient, rows, B}, {lifted, M_, B});
  Array<T>(bars.z1, n) = on.all(lifted) * on.all(on.p);
  Array<T>(bars.p, n) = on.all(lifted) * on.all(on.z1);
  std::fill_n(bars.d, n, T(0));
  std::fill_n(bars.yy, n, T(0));
  std::fill_n(bars.S, rows * rows, T(0));
  multiply_transposed_add<T>({bars.gradient, rows, B}, {on.s, rows, B}, {bars.S, rows, rows});
  Array<T>(pz, n) = on.all(on.p) * on.all(on.z1);
  multiply_transposed_add<T>({pz, M_, B}, {bars.gradient, rows, B}, {params_bar.data() + K0_, M_, rows});
  Array<T> b_bar(params_bar.data() + b_, rows);
  for (Index b = 0; b < B; ++b) b_bar += ConstArray<T>(bars.gradient + b * rows, rows);
  return bars;
}

template <class T>
void PotentialField<T>::pull_tangents(const On& on, Tile<T> V, Tile<T> w_jv, const Bars& bars, std::span<T> params_bar,
                                      Scratch& scratch) const {
  const Index B = on.B, C = V.cols() / B, n = on.n, rows = D_ + 1;
  T* l = scratch.take<T>(V.size());
  for (Index i = 0; i < V.size(); ++i) l[i] = -w_jv.data()[i];
  T *r = column_products(V.data(), C * B, scratch), *e = column_products(l, C * B, scratch);
  T *m = scratch.take<T>(C * n), *m_l = scratch.take<T>(C * n), *x = scratch.take<T>(C * n);
  T *y = bend(on, r, C, m, scratch), *y_l = bend(on, e, C, m_l, scratch);
  const auto d = T(1) - on.all(on.p).square();
  for (Index c = 0; c < C; ++c) {
    const ConstArray<T> r_c = on.all(r + c * n), e_c = on.all(e + c * n);
    Array<T>(bars.z1, n) += d * r_c * e_c;
    Array<T>(bars.d, n) += on.all(on.z1) * r_c * e_c;
    Array<T>(bars.p, n) += r_c * on.all(m_l + c * n) + e_c * on.all(m + c * n);
    Array<T>(bars.yy, n) += on.all(y + c * n) * on.all(y_l + c * n);
  }
  const auto bend_back = [&](T* of, const T* with) {  // K_1's gradient by y_of o d_1 o w and x_with = p o K with
    for (Index c = 0; c < C; ++c) {
      Array<T>(x + c * n, n) = on.all(on.p) * on.all(with + c * n);
      Array<T>(of + c * n, n) *= T(1) - on.all(on.p1).square();
      for (Index b = 0; b < B; ++b) Array<T>(of + c * n + b * M_, M_) *= ConstArray<T>(at(w_), M_);
    }
    multiply_transposed_add<T>({of, M_, C * B}, {x, M_, C * B}, {params_bar.data() + K1_, M_, M_});
  };
  bend_back(y_l, r);
  bend_back(y, e);
  const auto lift = [&](const T* of, const T* its_m, const T* with) {  // K's gradient
    for (Index c = 0; c < C; ++c)
      Array<T>(x + c * n, n) = d * on.all(on.z1) * on.all(of + c * n) + on.all(on.p) * on.all(its_m + c * n);
    multiply_transposed_add<T>({x, M_, C * B}, {with, D_, C * B}, {params_bar.data() + K0_, M_, D_});
  };
  lift(e, m_l, V.data());
  lift(r, m, l);
  for (Index j = 0; j < C * B; ++j)
    for (Index i = 0; i < D_; ++i)
      for (Index k = 0; k < D_; ++k) bars.S[i * rows + k] += l[j * D_ + k] * V(i, j);
}

/// From the cotangents of the layers to z, t and what is left of the parameters.
template <class T>
void PotentialField<T>::pull_layers(const On& on, const Bars& bars, Out<T> z_bar, std::span<T> t_bar,
                                    std::span<T> params_bar, Scratch& scratch) const {
  const Index B = on.B, n = on.n, rows = D_ + 1;
  T *v = scratch.take<T>(n), *wp = scratch.take<T>(n), *a = scratch.take<T>(n), *s_bar = scratch.take<T>(rows * B);
  T* const K1_bar = params_bar.data() + K1_;
  const ConstArray<T> w(at(w_), M_);
  Array<T> w_bar(params_bar.data() + w_, M_), b0_bar(params_bar.data() + b0_, M_), b1_bar(params_bar.data() + b1_, M_);
  multiply<T>({at(K1_), M_, M_}, {bars.z1, M_, B}, {v, M_, B});
  for (Index b = 0; b < B; ++b) {
    const ConstArray<T> p1(on.p1 + b * M_, M_), yy(bars.yy + b * M_, M_);
    Array<T> v_b(v + b * M_, M_);
    const auto d1 = T(1) - p1.square();
    w_bar += ConstArray<T>(bars.z1 + b * M_, M_) + v_b * p1 + d1 * yy;
    Array<T>(wp + b * M_, M_) = w * p1;
    v_b = d1 * w * (v_b - T(2) * p1 * yy);  // now of a_1
    b1_bar += v_b;
  }
  multiply_transposed_add<T>({wp, M_, B}, {bars.z1, M_, B}, {K1_bar, M_, M_});
  multiply_transposed_add<T>({v, M_, B}, {on.u, M_, B}, {K1_bar, M_, M_});
  multiply<T>({K1t_.data(), M_, M_}, {v, M_, B}, {a, M_, B});
  Array<T>(a, n) = on.all(a) * on.all(on.p) +
                   (T(1) - on.all(on.p).square()) * (on.all(bars.p) - T(2) * on.all(on.p) * on.all(bars.d));
  for (Index b = 0; b < B; ++b) b0_bar += ConstArray<T>(a + b * M_, M_);
  multiply_transposed_add<T>({a, M_, B}, {on.s, rows, B}, {params_bar.data() + K0_, M_, rows});
  multiply<T>({K0t_.data(), rows, M_}, {a, M_, B}, {s_bar, rows, B});
  multiply<T>({S_.data(), rows, rows}, {bars.gradient, rows, B}, {s_bar, rows, B}, Into::add);
  for (Index b = 0; b < B; ++b) {
    for (Index i = 0; i < D_; ++i) z_bar(i, b) += s_bar[b * rows + i];
    t_bar[t_bar.size() == 1 ? 0 : static_cast<std::size_t>(b)] += s_bar[b * rows + D_];
  }
  const Tile<T> A(at(A_), rank_, rows), S(bars.S, rows, rows);
  Out<T> A_bar(params_bar.data() + A_, rank_, rows);
  A_bar.noalias() += A.lazyProduct(S);
  A_bar.noalias() += A.lazyProduct(S.transpose());
}

template <class T>
void PotentialField<T>::vjp(const T* tape, Tile<T> V, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
                            std::span<T> params_bar, Scratch& scratch) const {
  const Scratch::Frame frame(scratch);
  const On on(*this, tape, w_f.cols());
  const Bars bars = pull(on, w_f, params_bar, scratch);
  if (V.size() > 0) pull_tangents(on, V, w_jv, bars, params_bar, scratch);
  pull_layers(on, bars, z_bar, t_bar, params_bar, scratch);
}

template class PotentialField<float>;
template class PotentialField<double>;
template std::unique_ptr<Field<float>> PotentialShape::make(std::span<const float>) const;
template std::unique_ptr<Field<double>> PotentialShape::make(std::span<const double>) const;

}  // namespace cnf
