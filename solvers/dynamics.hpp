// What a solver integrates: a right-hand side on one tile, with its derivatives.
#pragma once

#include <span>
#include <stdexcept>
#include <string>

#include "base/scratch.hpp"
#include "base/types.hpp"

namespace cnf {

/// Rows of the three blocks of a solve's state.
struct Blocks {
  Index z = 0;  ///< per sample: the only block the right-hand side reads
  Index q = 0;  ///< per sample: quadratures beside it (the change of log-density, kinetic energy, ...)
  Index s = 0;  ///< shared by the tile: quadratures such as the adjoint's dloss_dparams
};

/// What a dynamics can be asked for besides its values.
enum class Derivatives {
  none,  ///< forward alone: it can be integrated
  vjp,   ///< forward and vjp: it can be differentiated too
  all,   ///< forward, jvp and vjp
};

/// A velocity dz/dt = f(t, z; params), its quadratures dq/dt and ds/dt, and their derivatives, on one tile.
///
///   forward   (f, q', s')(t, z)           tape null: nothing is stored
///   jvp       derivative of (f, q') along (v, t_dot); dq_dot may be empty (0 rows): that of f alone is asked for
///   vjp       adds the transposes to z_bar, t_bar, params_bar; reads the tape, runs no forward product again
///
/// Law     sum(w_z * dz_dot) + sum(w_q * dq_dot) == sum(z_bar * v) + sum(t_bar * t_dot).  tests/laws.hpp checks it.
/// Shapes  z, v, w_z, z_bar, dz: blocks().z x B;  w_q, dq: blocks().q x B;  ds: blocks().s;  t: 1 or B values, and
///         t_dot, t_bar as many as t;  params_bar: gradient_size() values;  tape: tape_size(B) values.
/// Memory  a dynamics holds no mutable state, so several threads may share one; what it needs it takes from `scratch`.
///         A dynamics is bound to its parameters and to what is fixed for a solve (Hutchinson's probes).
template <class T>
class Dynamics {
 public:
  virtual ~Dynamics() = default;

  virtual Blocks blocks() const = 0;
  /// Values in params_bar. It may exceed the number of parameters: a dynamics may accumulate the gradient of what
  /// it derives from them once per update, to be pulled back at the end by whoever made the dynamics.
  virtual Index gradient_size() const { return 0; }
  /// Values one forward stores for jvp and vjp.
  virtual Index tape_size(Index B) const = 0;

  virtual void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape,
                       Scratch& scratch) const = 0;

  /// Which of the two below are there. Who needs one that is not refuses at once, by name (check_has_vjp).
  virtual Derivatives derivatives() const { return Derivatives::none; }
  virtual void jvp(const T* /*tape*/, Tile<T> /*v*/, Times<T> /*t_dot*/, Out<T> /*dz_dot*/, Out<T> /*dq_dot*/,
                   Scratch&) const {
    throw std::logic_error("Dynamics: jvp was called, but this dynamics has none");
  }
  virtual void vjp(const T* /*tape*/, Tile<T> /*w_z*/, Tile<T> /*w_q*/, Out<T> /*z_bar*/, std::span<T> /*t_bar*/,
                   std::span<T> /*params_bar*/, Scratch&) const {
    throw std::logic_error("Dynamics: vjp was called, but this dynamics has none");
  }
};

/// Throws std::invalid_argument, "WHO: ...", unless the dynamics has a vjp.
template <class T>
void check_has_vjp(const char* who, const Dynamics<T>& f) {
  if (f.derivatives() != Derivatives::none) return;
  throw std::invalid_argument(std::string(who) + ": the dynamics has no vjp; a gradient needs one " +
                              "(Dynamics::derivatives() says what there is)");
}

}  // namespace cnf
