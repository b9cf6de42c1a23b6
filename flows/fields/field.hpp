// A network that can be a right-hand side: f(t, z), beside J v for any tangents v, and the pullback of both.
#pragma once

#include <span>

#include "base/scratch.hpp"
#include "base/types.hpp"

namespace cnf {

template <class T>
class ClosedFormTrace;

/// A velocity field f(t, z; params) bound to its parameters, with J = df/dz.
///
///   forward   f and J v_c for C tangents v_c per sample
///   jvp       derivative of (f, J v_c) along (z_dot, t_dot)
///   vjp       adds the transpose of that to z_bar, t_bar, params_bar: the second-order term that training through a
///             divergence needs
///   trace     the same three for (f, tr J) by a closed form, where the field has one
///
/// Shapes  z, f, w_f, z_bar, z_dot: D x B;  tangents, jv, w_jv: D x (C B), tangent c of sample b in column c B + b;
///         div, w_div: 1 x B;  t, t_dot, t_bar: 1 or B values;  params_bar: gradient_size() values.
///         Of a field that has_potential(), f, f_dot and w_f may have one row more: d Phi/dt, f being -grad_z Phi.
/// Memory  immutable once made, so threads may share one; tapes and scratch are the caller's.
template <class T>
class Field {
 public:
  virtual ~Field() = default;

  virtual Index dim() const = 0;
  virtual Index parameters() const = 0;
  /// Values in params_bar: the parameters, then whatever is derived from them once per update.
  virtual Index gradient_size() const = 0;
  /// Folds the derived part of an accumulated params_bar back into its first parameters() values. Once per update.
  virtual void fold_derived(std::span<T> params_bar) const = 0;

  virtual Index tape_size(Index B, Index C) const = 0;
  virtual void forward(Times<T> t, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape,
                       Scratch& scratch) const = 0;
  virtual void jvp(const T* tape, Tile<T> tangents, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> jv_dot,
                   Scratch& scratch) const = 0;
  virtual void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T> t_bar,
                   std::span<T> params_bar, Scratch& scratch) const = 0;

  /// Whether f is minus the gradient of a potential Phi(z, t), whose slope in t can be asked for too.
  virtual bool has_potential() const { return false; }
  /// The closed form of (f, tr J), or null: then tangents are the way to the divergence.
  virtual const ClosedFormTrace<T>* trace() const { return nullptr; }
};

/// A field's (f, tr J) by a formula that costs about one tangent, whatever the dimension. Shapes as in Field. jvp may
/// be asked for f_dot alone: div_dot is empty then.
template <class T>
class ClosedFormTrace {
 public:
  virtual Index trace_tape_size(Index B) const = 0;
  virtual void trace_forward(Times<T> t, Tile<T> z, Out<T> f, Out<T> div, T* tape, Scratch& scratch) const = 0;
  virtual void trace_jvp(const T* tape, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> div_dot,
                         Scratch& scratch) const = 0;
  virtual void trace_vjp(const T* tape, Tile<T> w_f, Tile<T> w_div, Out<T> z_bar, std::span<T> t_bar,
                         std::span<T> params_bar, Scratch& scratch) const = 0;

 protected:
  ~ClosedFormTrace() = default;  // owned as a Field
};

}  // namespace cnf
