// The discrete planar flow, which the continuous one is compared with.
#pragma once

#include <vector>

#include "base/random.hpp"
#include "base/types.hpp"
#include "flows/layout.hpp"

namespace cnf {

/// x = f_K(... f_1(z)) with  f_k(z) = z + u'_k tanh(w_k . z + b_k),
///   u'_k = u_k + (log(1 + exp(w_k . u_k)) - 1 - w_k . u_k) w_k / |w_k|^2,  so w_k . u'_k > -1: f_k has an inverse.
/// Tensors  weight W: K x D;  bias b: K;  out_weight U: D x K.
/// Source   Rezende and Mohamed (2015), Variational inference with normalizing flows, eq. 10 to 12 and appendix A.1.
struct PlanarFlowShape {
  Index dim = 2;
  Index layers = 8;

  Layout layout() const;  ///< throws std::invalid_argument for a dimension or a number of layers below 1
  Vector<double> initial_parameters(Seed seed) const;
};

/// A planar flow at its parameters. In double, one thread.
class PlanarFlow {
 public:
  /// What a push leaves for its pull.
  struct Tape {
    std::vector<Matrix<double>> z;  ///< before each layer: D x B
    Matrix<double> h;               ///< tanh of each layer: K x B
  };

  /// `params`: shape.layout().size values.   std::invalid_argument: another number of them.
  PlanarFlow(const PlanarFlowShape& shape, const Vector<double>& params);

  /// z (D x B) becomes x; returns log |det dx/dz| of each column. Fills `tape` unless it is null.
  Vector<double> push(Matrix<double>& z, Tape* tape) const;
  /// The transpose of the push that filled `tape`: from dloss/dx and dloss/dlog|det| to dloss/dz, in `x_bar`, and to
  /// dloss/dparams, which is returned; gaps are 0.
  Vector<double> pull(const Tape& tape, Matrix<double>& x_bar, const Vector<double>& log_det_bar) const;

 private:
  struct Layer {
    Vector<double> w, u, u_raw;
    double b = 0;
  };
  Layout layout_;
  std::vector<Layer> layers_;
};

}  // namespace cnf
