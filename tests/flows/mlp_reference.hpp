// The MLP field as docs/math.md, sections 3 and 4, writes it down: plain Eigen, one sample at a time, in its letters.
// The kernels of MlpField are held to it.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "flows/fields/field.hpp"
#include "flows/fields/mlp_shape.hpp"

namespace cnf {

template <class T>
T logistic(const T& a) {
  using std::exp;
  return a < 0 ? exp(a) / (1 + exp(a)) : 1 / (1 + exp(-a));
}

/// h = phi(a) and its first two derivatives at one point.
template <class T>
struct Phi {
  T h, dh, d2h;
};
template <class T>
Phi<T> phi(Activation activation, const T& a) {
  const T s = logistic(a), c = logistic(T(-a)), y = std::tanh(a);
  switch (activation) {
    case Activation::tanh:
      return {y, 1 - y * y, -2 * y * (1 - y * y)};
    case Activation::softplus:
      return {std::max(a, T(0)) + std::log1p(std::exp(-std::abs(a))), s, s * c};
    case Activation::silu:
      return {a * s, s * (1 + a * c), s * c * (2 + a * (c - s))};
    case Activation::sin:
      return {std::sin(a), std::cos(a), -std::sin(a)};
    case Activation::relu:
      break;
  }
  return {std::max(a, T(0)), T(a > 0 ? 1 : 0), T(0)};
}

/// The reference of MlpField. T may be any scalar of Eigen's for which there are `logistic` and `phi`.
///
/// Trace   by definition, sum_i e_i^T J e_i, whatever the depth, the gates and the times: no closed form.
/// Tape    t and z of every sample; everything else is computed again.
template <class T>
class MlpReference final : public Field<T>, public ClosedFormTrace<T> {
  using Column = Vector<T>;
  using Map = Eigen::Map<Column>;
  using Values = Eigen::Map<const Column>;

  /// One sample between two layers: x, n values, and its tangents x_c as the columns of c, n x C.
  struct Point {
    Column x;
    Matrix<T> c;
  };

  struct Layer {
    Tile<T> W;
    Values b, w_t, w_g, b_g;
    LayerOffsets at;

    bool gated() const { return at.gate_weight >= 0; }
    Column g(T t) const {
      if (!gated()) return Column::Ones(b.size());
      return (w_g * t + b_g).unaryExpr([](const T& a) { return logistic(a); });
    }
    Column dg_dt(T t) const {
      if (!gated()) return Column::Zero(b.size());
      return g(t).cwiseProduct(Column::Ones(b.size()) - g(t)).cwiseProduct(w_g);
    }

    /// a = g o (W x + b) + w_t t,   a_c = g o (W x_c)
    Point forward(T t, const Point& p) const {
      return {g(t).cwiseProduct(W * p.x + b) + w_t * t,  //
              g(t).asDiagonal() * (W * p.c)};
    }

    /// a_dot = g o (W x_dot) + t_dot g' o n + t_dot w_t,   a_c_dot = g o (W x_c_dot) + t_dot g' o (W x_c)
    Point jvp(T t, const Point& p, T t_dot, const Point& p_dot) const {
      const Column n = W * p.x + b, g_dot = dg_dt(t) * t_dot;
      return {g(t).cwiseProduct(W * p_dot.x) + g_dot.cwiseProduct(n) + w_t * t_dot,
              g(t).asDiagonal() * (W * p_dot.c) + g_dot.asDiagonal() * (W * p.c)};
    }

    /// The transpose: returns x_bar = W^T (g o a_bar), x_c_bar = W^T (g o a_c_bar), and adds to the rest.
    Point vjp(T t, const Point& p, const Point& p_bar, T& t_bar, T* params_bar) const {
      const Column n = W * p.x + b, ga_bar = g(t).cwiseProduct(p_bar.x);
      const Matrix<T> ga_c_bar = g(t).asDiagonal() * p_bar.c;
      Out<T>(params_bar + at.weight, W.rows(), W.cols()) += ga_bar * p.x.transpose() + ga_c_bar * p.c.transpose();
      Map(params_bar + at.bias, b.size()) += ga_bar;
      Map(params_bar + at.time_weight, b.size()) += p_bar.x * t;
      t_bar += w_t.dot(p_bar.x);
      if (gated()) {
        const Column g_bar = p_bar.x.cwiseProduct(n) + p_bar.c.cwiseProduct(W * p.c).rowwise().sum();
        const Column G = g_bar.cwiseProduct(g(t)).cwiseProduct(Column::Ones(b.size()) - g(t));
        Map(params_bar + at.gate_weight, b.size()) += G * t;
        Map(params_bar + at.gate_bias, b.size()) += G;
        t_bar += w_g.dot(G);
      }
      return {W.transpose() * ga_bar, W.transpose() * ga_c_bar};
    }
  };

  struct Bend {
    Activation activation;
    Column dh(const Column& a) const { return each(a, &Phi<T>::dh); }
    Column d2h(const Column& a) const { return each(a, &Phi<T>::d2h); }
    Column each(const Column& a, T Phi<T>::*part) const {
      return a.unaryExpr([&](const T& y) { return phi(activation, y).*part; });
    }

    /// h = phi(a),   h_c = phi'(a) o a_c
    Point forward(const Point& a) const { return {each(a.x, &Phi<T>::h), dh(a.x).asDiagonal() * a.c}; }

    /// h_dot = phi' o a_dot,   h_c_dot = phi'' o a_dot o a_c + phi' o a_c_dot
    Point jvp(const Point& a, const Point& a_dot) const {
      return {dh(a.x).cwiseProduct(a_dot.x),
              d2h(a.x).cwiseProduct(a_dot.x).asDiagonal() * a.c + dh(a.x).asDiagonal() * a_dot.c};
    }

    /// a_bar = phi' o h_bar + sum_c phi'' o a_c o h_c_bar,   a_c_bar = phi' o h_c_bar
    Point vjp(const Point& a, const Point& h_bar) const {
      return {dh(a.x).cwiseProduct(h_bar.x) + d2h(a.x).cwiseProduct(a.c.cwiseProduct(h_bar.c).rowwise().sum()),
              dh(a.x).asDiagonal() * h_bar.c};
    }
  };

  Point forward(T t, Point p) const {
    for (const Layer& layer : hidden_) p = bend_.forward(layer.forward(t, p));
    return last_.forward(t, p);
  }
  Point jvp(T t, Point p, T t_dot, Point p_dot) const {
    for (const Layer& layer : hidden_) {
      p_dot = bend_.jvp(layer.forward(t, p), layer.jvp(t, p, t_dot, p_dot));
      p = bend_.forward(layer.forward(t, p));
    }
    return last_.jvp(t, p, t_dot, p_dot);
  }
  Point vjp(T t, Point p, Point p_bar, T& t_bar, T* params_bar) const {
    std::vector<Point> into{p};  // each layer's input
    for (const Layer& layer : hidden_) into.push_back(bend_.forward(layer.forward(t, into.back())));
    p_bar = last_.vjp(t, into.back(), p_bar, t_bar, params_bar);
    for (std::size_t l = hidden_.size(); l-- > 0;) {
      p_bar = bend_.vjp(hidden_[l].forward(t, into[l]), p_bar);
      p_bar = hidden_[l].vjp(t, into[l], p_bar, t_bar, params_bar);
    }
    return p_bar;
  }

 public:
  /// `params`: MlpLayout(shape).size values, which must outlive the field.
  MlpReference(const MlpShape& shape, std::span<const T> params)
      : shape_(shape), layout_(shape), bend_{shape.activation}, last_(layer(params.data(), shape.layers() - 1)) {
    for (Index l = 0; l + 1 < shape.layers(); ++l) hidden_.push_back(layer(params.data(), l));
  }

  Index dim() const override { return shape_.dim; }
  Index parameters() const override { return layout_.size; }
  Index gradient_size() const override { return layout_.size; }
  void fold_derived(std::span<T>) const override {}
  Index tape_size(Index B, Index) const override { return (1 + dim()) * B; }

  void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch&) const override {
    if (tape != nullptr) write(tape, t, z);
    for (Index b = 0; b < z.cols(); ++b) {
      const Point y = forward(of(t, b), {z.col(b), of(tangents, b, z.cols())});
      f.col(b) = y.x;
      set(jv, b, z.cols(), y.c);
    }
  }
  void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
           Scratch&) const override {
    const Index B = z_dot.cols(), C = tangents.cols() / B;
    for (Index b = 0; b < B; ++b) {
      const Point y_dot = jvp(tape[b], {z(tape, B).col(b), of(tangents, b, B)}, of(t_dot, b),
                              {z_dot.col(b), Matrix<T>::Zero(dim(), C)});  // the tangents v_c do not move
      f_dot.col(b) = y_dot.x;
      set(jv_dot, b, B, y_dot.c);
    }
  }
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch&) const override {
    const Index B = w_f.cols();
    for (Index b = 0; b < B; ++b)
      z_bar.col(b) += vjp(tape[b], {z(tape, B).col(b), of(tangents, b, B)}, {w_f.col(b), of(w_jv, b, B)},
                          t_bar[at(t_bar.size(), b)], params_bar.data())
                          .x;
  }

  const ClosedFormTrace<T>* trace() const override { return this; }
  Index trace_tape_size(Index B) const override { return tape_size(B, 0); }
  void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const override {
    const Index B = z.cols();
    Matrix<T> jv(dim(), dim() * B);
    const Matrix<T> e = units(Matrix<T>::Ones(1, B));
    forward(t, z, tile(e), f, out(jv), tape, scratch);
    div = trace(jv, B);
  }
  void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                 Scratch& scratch) const override {
    const Index B = z_dot.cols();
    Matrix<T> jv_dot(dim(), dim() * B);
    const Matrix<T> e = units(Matrix<T>::Ones(1, B));
    jvp(tape, tile(e), z_dot, t_dot, f_dot, out(jv_dot), scratch);
    div_dot = trace(jv_dot, B);
  }
  void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
                 Scratch& scratch) const override {
    const Matrix<T> e = units(Matrix<T>::Ones(1, w_f.cols())), w_jv = units(w_div);
    vjp(tape, tile(e), w_f, tile(w_jv), z_bar, t_bar, params_bar, scratch);
  }

 private:
  Layer layer(const T* params, Index l) const {
    const LayerOffsets& at = layout_.layers[static_cast<std::size_t>(l)];
    const Index out = shape_.outputs(l), gates = shape_.gated(l) ? out : 0;
    return {Tile<T>(params + at.weight, out, shape_.inputs(l)),
            Values(params + at.bias, out),
            Values(params + at.time_weight, out),
            Values(params + std::max<Index>(at.gate_weight, 0), gates),
            Values(params + std::max<Index>(at.gate_bias, 0), gates),
            at};
  }
  /// w_b e_1, .., w_b e_D as the tangents of every sample b. w: 1 x B.
  Matrix<T> units(const Matrix<T>& w) const {
    Matrix<T> e = Matrix<T>::Zero(dim(), dim() * w.size());
    for (Index i = 0; i < dim(); ++i) e.row(i).segment(i * w.size(), w.size()) = w;
    return e;
  }
  /// sum_i e_i^T J e_i of every sample. jv: D x (D B). Returns: 1 x B.
  Matrix<T> trace(const Matrix<T>& jv, Index B) const {
    Matrix<T> sum = Matrix<T>::Zero(1, B);
    for (Index i = 0; i < dim(); ++i) sum += jv.row(i).segment(i * B, B);
    return sum;
  }
  static Tile<T> tile(const Matrix<T>& m) { return {m.data(), m.rows(), m.cols()}; }
  static Out<T> out(Matrix<T>& m) { return {m.data(), m.rows(), m.cols()}; }

  static std::size_t at(std::size_t times, Index b) { return times == 1 ? 0 : static_cast<std::size_t>(b); }
  static T of(Times<T> t, Index b) { return t[at(t.size(), b)]; }
  /// Tangents of sample b: columns b, B + b, 2 B + b, ...
  static Matrix<T> of(const Tile<T>& block, Index b, Index B) {
    Matrix<T> c(block.rows(), block.cols() / B);
    for (Index k = 0; k < c.cols(); ++k) c.col(k) = block.col(k * B + b);
    return c;
  }
  static void set(Out<T>& block, Index b, Index B, const Matrix<T>& c) {
    for (Index k = 0; k < c.cols(); ++k) block.col(k * B + b) = c.col(k);
  }
  static void write(T* tape, Times<T> t, const Tile<T>& z) {
    for (Index b = 0; b < z.cols(); ++b) tape[b] = of(t, b);
    std::copy_n(z.data(), z.size(), tape + z.cols());
  }
  Tile<T> z(const T* tape, Index B) const { return {tape + B, dim(), B}; }

  MlpShape shape_;
  MlpLayout layout_;
  Bend bend_;
  std::vector<Layer> hidden_;
  Layer last_;
};

}  // namespace cnf
