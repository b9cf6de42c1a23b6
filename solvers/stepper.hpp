// One method's arithmetic, step by step: what the loop of integrate.cpp drives, by one virtual call a step.
#pragma once

#include <stdexcept>

#include "solvers/control/error_norm.hpp"
#include "solvers/control/step_control.hpp"
#include "solvers/dense_step.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/slope.hpp"

namespace cnf {

/// What a stepper is made from; all outlive it.
template <class T>
struct Solve {
  const Slope<T>& slope;
  const ErrorNorm<T>& norm;
  const SolveOptions& options;
  bool controlled;       ///< attempts are asked for their error
  Recording<T>* record;  ///< may be null
};

/// A solve's steps by one method. The loop owns time, acceptance and trouble; a stepper owns stages, history and what
/// is recorded. Its arrays come from the solve's scratch: nothing is allocated in a step.
///
///   open      a step will begin at (t, y). Returns the slope f(t, y), to be judged, or null if the last attempt's
///             error, which has been judged, was made with it.
///   attempt   the step to t_next into y_next and, if not null, its error estimate; may be called again with another
///             t_next until one is accepted. False: no step came about (an implicit method's equations were not
///             solved), and y_next and error hold nothing.
///   dense     the last attempt as a function of time, where it is about to be accepted and someone looks into it; what
///             that needs beyond the stages is evaluated now, and not again for the next step.
///   ends      the same where theta = 0 and 1 alone will be asked for, which may cost less.
///   accept    the last attempt is taken; `fraction` is t_next's share of the way.
///   sizes     how long the next step should be, asked after accept, or after an attempt that is not taken. A method
///             that chooses more than that (its order, its family) chooses it where it is asked; one without an error
///             estimate leaves it out.
template <class T>
class Stepper {
 public:
  virtual const T* open(double t, const T* y) = 0;
  virtual bool attempt(double t_next, T* y_next, T* error) = 0;
  virtual Index unsolved_row() const { return -1; }  ///< after attempt said false: a sample at fault, -1 if none is
  virtual DenseStep<T> dense(double t_next, const T* y_next) = 0;
  virtual DenseStep<T> ends(double t_next, const T* y_next) { return dense(t_next, y_next); }
  virtual void accept(double t_next, double fraction) = 0;
  virtual StepSizes& sizes() { throw std::logic_error("Stepper: this method gives no error to choose a step by"); }

 protected:
  ~Stepper() = default;  // lies on the caller's stack
};

}  // namespace cnf
