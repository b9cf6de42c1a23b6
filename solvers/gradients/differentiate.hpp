// A solve and its gradient: one front for all ways to compute it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "solvers/gradients/dense_track.hpp"
#include "solvers/gradients/gradient.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/integrate.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

enum class GradientMode {
  discrete,      ///< the exact gradient of the number computed: the accepted steps transposed
  continuous,    ///< Chen et al. (2018): the adjoint equation solved backwards, memory constant in the number of steps
  interpolated,  ///< the adjoint alone is solved backwards, along the first solve's steps
  reversible,    ///< that of the steps taken, which are taken back: of a table its coupling's (reversible.hpp)
};
inline constexpr std::array kAllGradientModes{GradientMode::discrete, GradientMode::continuous,
                                              GradientMode::interpolated, GradientMode::reversible};
std::string_view name(GradientMode mode);  ///< as spelled on the command line

/// Why the mode cannot serve a method, and which can; empty if it can.
std::string why_not(GradientMode mode, const Method& method);
/// Throws std::invalid_argument with why_not().
void check_gradient(GradientMode mode, const Method& method);
/// The method whose steps are taken: that of the options, but for the reversible gradient of a table its coupling. The
/// table must be one of kAllTableaus.
Method method_of(GradientMode mode, const Method& method);

struct GradientOptions {
  GradientMode mode = GradientMode::discrete;
  std::size_t memory = Recording<float>::kDefaultBudget;  ///< bytes, of all that is kept of this solve: see Recording
  bool reserve = false;  ///< `memory` is taken whole before the first solve (Recording::set_budget)
  /// Of the continuous and the interpolated one: how their own solves are done. Jumps of the slope are the forward
  /// solve's, unless these say them, in the order of the way back.
  SolveOptions backward{};
  std::optional<Tolerance> tolerance_a{};  ///< of the adjoint a in these solves; not given: as of z
  /// Of the continuous one: z is set to what was seen at each observation, else it is integrated on. It helps where z
  /// is hard to integrate back, and harms where what is seen is worse than the steps: see Look.
  bool reset = false;
};

/// What a loss looks at besides the end of a solve: at the observations, whose z `seen` (blocks.z x as many) is set to.
/// Error  that of the solve and the step's own between its ends (Method::dense_order). The tolerance speaks of the
///        ends; to have no error besides, step onto the times by SolveOptions::stops.
template <class T>
struct Look {
  std::span<const Observation> observations{};
  Out<T> seen{nullptr, 0, 0};
};

/// One solve that can be pulled back. Its memory is kept from solve to solve: one for each worker, and for each of the
/// solves that a tile goes through before any of them is pulled back.
template <class T>
class DifferentiableSolve {
 public:
  /// Takes the memory that `how` reserves, for solves of B samples, if the gradient is of recorded steps.
  void reserve(const Dynamics<T>& dynamics, Index B, const SolveOptions& solve, const GradientOptions& how);
  /// integrate() from t_begin to t_end, keeping what backward() needs. A seen value that is not finite is a status of
  /// its sample and time, memory that is too small for the interpolated gradient one of the time that it held up to;
  /// after any trouble `seen` is meaningless.
  /// Throws  std::invalid_argument besides: a dynamics without vjp, a method that check_gradient refuses, observations
  ///         that check_observations refuses, seen of another shape, memory that is known beforehand to be too small.
  Status forward(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const SolveOptions& solve,
                 const GradientOptions& how, Scratch& scratch, Counters& counters, const Look<T>& look = {});

  /// The gradient of the last forward(), by its options, of the same dynamics. Returns the first trouble of a backward
  /// solve; the discrete gradient has none but to be stopped, by the flag that forward() was given. `counters`: of the
  /// backward solve, or of what is computed again.
  /// Throws  std::logic_error if forward() did not end well.
  Status backward(const Dynamics<T>& dynamics, const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch,
                  Counters& counters);

  /// Of a discrete or reversible forward(): the steps it took, and what is kept of them.
  const Recording<T>& recording() const { return recording_; }
  const MemoryPlan& plan() const { return plan_; }

 private:
  GradientOptions how_;
  StopFlag stop_ = nullptr;
  double t_begin_ = 0, t_end_ = 0;
  bool ready_ = false;  // the last forward() ended well
  std::vector<Observation> observations_;
  Matrix<T> seen_, z_end_;        // continuous, and where a path has no length
  Recording<T> recording_;        // discrete
  MemoryPlan plan_;               // discrete
  DenseTrack<T> track_;           // interpolated
  SolveOptions coupled_;          // reversible
  std::vector<StepPoint> where_;  // discrete: of the observations
};

}  // namespace cnf
