// A solve and its gradient: one front for all ways to compute it.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "solvers/gradient.hpp"
#include "solvers/integrate.hpp"
#include "solvers/observation.hpp"
#include "solvers/recording.hpp"

namespace cnf {

enum class GradientMode {
  discrete,    ///< the exact gradient of the number computed: the accepted steps transposed
  continuous,  ///< Chen et al. (2018): the adjoint equation solved backwards, memory constant in the number of steps
};
inline constexpr std::array kAllGradientModes{GradientMode::discrete, GradientMode::continuous};
std::string_view name(GradientMode mode);  ///< as spelled on the command line

struct GradientOptions {
  GradientMode mode = GradientMode::discrete;
  std::size_t memory = Recording<float>::kDefaultBudget;  ///< of the discrete one, bytes: see Recording
  SolveOptions backward{};                                ///< of the continuous one: how its own solves are done
  bool reset = true;  ///< the continuous one: z is set to what was seen at each observation, else integrated on
};

/// What a loss looks at besides the end of a solve: at the observations, whose z `seen` (blocks.z x as many) is set to.
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
  /// integrate() from t_begin to t_end, keeping what backward() needs. `look` must outlive backward().
  /// Throws  std::invalid_argument besides: a dynamics without vjp, observations that check_observations refuses, seen
  ///         of another shape.
  Status forward(const Dynamics<T>& dynamics, double t_begin, double t_end, State<T>& state, const SolveOptions& solve,
                 const GradientOptions& how, Scratch& scratch, Counters& counters, const Look<T>& look = {});

  /// The gradient of the last forward(), by its options, of the same dynamics. Returns the first trouble of a backward
  /// solve; the discrete gradient has none. `counters`: of the backward solve.
  Status backward(const Dynamics<T>& dynamics, const Cotangents<T>& w, SolveGradient<T>& gradient, Scratch& scratch,
                  Counters& counters);

  /// Of a discrete forward(): the steps it took, as SolveOptions::fractions takes them again.
  const std::vector<double>& fractions() const { return recording_.fractions(); }

 private:
  GradientOptions how_;
  double t_begin_ = 0, t_end_ = 0;
  std::span<const Observation> observations_;
  T* seen_ = nullptr;             // blocks.z x number of observations, the caller's
  Index rows_ = 0;                // blocks.z
  Recording<T> recording_;        // discrete
  std::vector<StepPoint> where_;  // discrete: of the observations
  Matrix<T> z_end_;               // continuous
};

}  // namespace cnf
