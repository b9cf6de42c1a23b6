// Invariants: a layer's u is the one made invertible, u_raw the parameter; h' = 1 - h^2 is never stored.
#include "flows/planar_flow.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "flows/initial_parameters.hpp"

namespace cnf {

namespace {

double softplus(double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); }
double logistic(double v) { return 0.5 * (1 + std::tanh(0.5 * v)); }
double invertible_gain(double wu) { return softplus(wu) - 1 - wu; }

}  // namespace

Layout PlanarFlowShape::layout() const {
  if (dim < 1 || layers < 1)
    throw std::invalid_argument("planar flow: " + std::to_string(layers) + " layers in " + std::to_string(dim) +
                                " dimensions, expected 1 or more of both");
  Layout layout;
  layout.add("weight", layers, dim, false);
  layout.add("bias", layers, 1, true);
  layout.add("out_weight", dim, layers, false);
  return layout;
}

Vector<double> PlanarFlowShape::initial_parameters(Seed seed) const {
  InitialParameters initial(layout(), seed);
  for (std::size_t tensor = 0; tensor < 3; ++tensor) initial.draw_normal(tensor, 0.1);
  return initial.values();
}

PlanarFlow::PlanarFlow(const PlanarFlowShape& shape, const Vector<double>& params) : layout_(shape.layout()) {
  if (params.size() != layout_.size)
    throw std::invalid_argument("planar flow: " + std::to_string(params.size()) + " parameters, expected " +
                                std::to_string(layout_.size));
  const Index K = shape.layers, D = shape.dim;
  const Eigen::Map<const Matrix<double>> W(params.data() + layout_.tensors[0].offset, K, D);
  const Eigen::Map<const Vector<double>> b(params.data() + layout_.tensors[1].offset, K);
  const Eigen::Map<const Matrix<double>> U(params.data() + layout_.tensors[2].offset, D, K);
  for (Index k = 0; k < K; ++k) {
    Layer layer{.w = W.row(k), .u = U.col(k), .u_raw = U.col(k), .b = b[k]};
    layer.u += invertible_gain(layer.w.dot(layer.u_raw)) / layer.w.squaredNorm() * layer.w;
    layers_.push_back(std::move(layer));
  }
}

Vector<double> PlanarFlow::push(Matrix<double>& z, Tape* tape) const {
  Vector<double> log_det = Vector<double>::Zero(z.cols());
  if (tape) tape->z.clear(), tape->h.resize(std::ssize(layers_), z.cols());
  for (Index k = 0; k < std::ssize(layers_); ++k) {
    const Layer& layer = layers_[k];
    const Vector<double> h = ((z.transpose() * layer.w).array() + layer.b).tanh();
    if (tape) tape->z.push_back(z), tape->h.row(k) = h;
    z += layer.u * h.transpose();
    log_det.array() += (layer.w.dot(layer.u) * (1 - h.array().square())).log1p();  // > 0, since w . u > -1
  }
  return log_det;
}

Vector<double> PlanarFlow::pull(const Tape& tape, Matrix<double>& x_bar, const Vector<double>& log_det_bar) const {
  const Index K = std::ssize(layers_), D = x_bar.rows();
  Vector<double> dloss = Vector<double>::Zero(layout_.size);
  Eigen::Map<Matrix<double>> W_bar(dloss.data() + layout_.tensors[0].offset, K, D);
  Eigen::Map<Vector<double>> b_bar(dloss.data() + layout_.tensors[1].offset, K);
  Eigen::Map<Matrix<double>> U_bar(dloss.data() + layout_.tensors[2].offset, D, K);
  for (Index k = K - 1; k >= 0; --k) {
    const Layer& layer = layers_[k];
    const auto h = tape.h.row(k).transpose().array();
    const Vector<double> slope = 1 - h.square();  // h'; h'' = -2 h h'
    const double psi = layer.w.dot(layer.u);
    const Vector<double> by_det = log_det_bar.array() / (1 + psi * slope.array());
    const double psi_bar = by_det.dot(slope);
    const Vector<double> a_bar = slope.array() * ((x_bar.transpose() * layer.u).array() - 2 * psi * by_det.array() * h);
    Vector<double> u_bar = x_bar * h.matrix() + psi_bar * layer.w;
    Vector<double> w_bar = tape.z[k] * a_bar + psi_bar * layer.u;
    x_bar += layer.w * a_bar.transpose();
    // through u = u_raw + g(s) w / |w|^2, s = w . u_raw
    const double s = layer.w.dot(layer.u_raw), n = layer.w.squaredNorm(), gain = invertible_gain(s);
    const double c_bar = u_bar.dot(layer.w) / n, s_bar = c_bar * (logistic(s) - 1);
    w_bar += (gain / n) * u_bar - (2 * c_bar * gain / n) * layer.w + s_bar * layer.u_raw;
    u_bar += s_bar * layer.w;
    W_bar.row(k) = w_bar;
    U_bar.col(k) = u_bar;
    b_bar[k] = a_bar.sum();
  }
  return dloss;
}

}  // namespace cnf
