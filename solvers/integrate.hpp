// Integrates a dynamics on one tile, by fixed or adaptive steps, forwards or backwards in time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/stop.hpp"
#include "solvers/control/controller.hpp"
#include "solvers/dense_step.hpp"
#include "solvers/dynamics.hpp"
#include "solvers/method.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// How the errors of a tile's samples make one number to control.
enum class Norm {
  sample,  ///< the maximum over samples of the maximum over blocks of the block's RMS: every sample meets its tolerance
  tile,    ///< the maximum over blocks of the RMS over the whole tile: fewer evaluations, an average guarantee
};

/// The error allowed in a component of size |y| is absolute + relative |y|.
struct Tolerance {
  double relative, absolute;
};

struct SolveOptions {
  Method method = &kDopri5;
  int fixed_steps = 0;  ///< > 0: that many equal steps, no error control; a must if the method has no error estimate
  /// Not empty: a frozen grid t_n = t_begin + fractions[n] (t_end - t_begin), ascending from 0 to 1 (but see jumps),
  /// without error control: replays Recording::fractions() for other parameters, states or spans, as differences need
  /// it.
  std::vector<double> fractions{};
  std::vector<double> stops{};  ///< times that an adaptive solve steps onto, in the order of the solve
  /// Times inside the solve, in its order, at which the slope jumps: stepped onto, with slopes of the near side before
  /// and of the far side after. Of a frozen grid as many as its repeated fractions, which stand for them.
  std::vector<double> jumps{};
  double rtol = 1e-5, atol = 1e-5;
  Norm norm = Norm::sample;
  bool control_q = true, control_s = true;  ///< false leaves the block out of the error norm (the seminorm)
  std::vector<Tolerance> tolerance_z{};     ///< of each row of z; empty: rtol and atol
  std::optional<Tolerance> tolerance_q{}, tolerance_s{};  ///< of the blocks q and s; not given: rtol and atol
  Controller controller{};                                ///< of step sizes; a method may have its own
  std::int64_t max_steps = 10'000;  ///< attempts, accepted and rejected together, of an adaptive solve
  double first_step = 0;            ///< 0: chosen by Hairer, Norsett, Wanner I, sec. II.4
  /// Of an adaptive solve's steps, but for those that end at t_end or a stop, which may be shorter. 0: no bound. If the
  /// shortest is too long for the tolerance, the solve ends.
  double min_step = 0, max_step = 0;
  StopFlag stop = nullptr;  ///< looked at before every step: raised, the status is `stopped`

  Tolerance of_z(Index row) const {
    return tolerance_z.empty() ? Tolerance{rtol, atol} : tolerance_z[static_cast<std::size_t>(row)];
  }
};

/// Throws std::invalid_argument naming the option that is NaN, negative, zero, or does not fit the method.
void check(const SolveOptions& options);

/// The state of one tile: z (blocks.z x B), q (blocks.q x B), s (blocks.s), contiguous in this order.
template <class T>
struct State {
  Blocks blocks;
  Index B = 0;
  Vector<T> values;

  State() = default;
  State(Blocks rows, Index samples);  ///< all zero
  Index size() const { return (blocks.z + blocks.q) * B + blocks.s; }
  Out<T> z() { return {values.data(), blocks.z, B}; }
  Out<T> q() { return {values.data() + blocks.z * B, blocks.q, B}; }
  std::span<T> s() { return {values.data() + (blocks.z + blocks.q) * B, static_cast<std::size_t>(blocks.s)}; }
  Tile<T> z() const { return {values.data(), blocks.z, B}; }
  Tile<T> q() const { return {values.data() + blocks.z * B, blocks.q, B}; }
};

/// The accepted steps of a solve with what their transposes need: filled by integrate, read by discrete_adjoint.
/// Memory is kept from solve to solve.
template <class T>
class Recording;  // solvers/gradients/recording.hpp

/// What a solve may be given besides; each may be left out.
template <class T>
struct SolveExtras {
  Recording<T>* record = nullptr;       ///< keeps the accepted steps for discrete_adjoint
  StepListener<T>* listener = nullptr;  ///< sees the accepted steps as functions of time, may end or change the solve
  /// One flag a sample: samples with flag 0 are left out of the error norm and of the test for values that are not
  /// finite (their columns must hold finite values, and end meaningless). Read at every step: listeners may clear them.
  std::span<const char> active = {};
  std::span<char> bad = {};  ///< one flag a sample: set for every sample that a non_finite or too_fine status is about
};

/// Advances `state` from t_begin to t_end, in either direction, in place. Times are double, states T.
///
/// The grid  fixed: t_n = t_begin + (n / N) (t_end - t_begin), the last t_end itself, or SolveOptions::fractions.
///           Adaptive: PI control (step_control.hpp), the last step cut to end at t_end exactly.
/// Error     of component i: |h sum_j e_j k_j| / (atol + rtol max(|y0|, |y1|)), in the norm of SolveOptions
///           (error_norm.hpp); a step is accepted at 1 or less. The s block counts as one more sample.
/// Returns   ok at Status::t = t_end, or where the listener stopped; or the first trouble: Status::row is the sample at
///           fault if there is one; `state` is then meaningless.
///           non_finite at once where the field itself is not finite at a point reached; if only a try leads there, its
///           step is cut by 10 until it underflows, and the status is non_finite then. too_fine at once where the
///           tolerance is less than a tenth of what rounding leaves open of the start.
/// Throws    std::invalid_argument for shapes that disagree, times that are not finite, and what check() refuses.
/// Cost      nothing is allocated inside a step once `scratch` and the record have grown. A step that the listener
///           wants may cost one evaluation more, which the next step, if there is one, then saves.
/// Source    first step and norm: Hairer, Norsett, Wanner I, sec. II.4 (one evaluation more than the stages).
template <class T>
Status integrate(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state,
                 const SolveOptions& options, Scratch& scratch, Counters& counters, const SolveExtras<T>& extras = {});

}  // namespace cnf
