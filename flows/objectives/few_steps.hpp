// Few steps: maximum likelihood of a flow that a few fixed steps get right, both ways.
#pragma once

#include <array>
#include <string_view>

#include "flows/certificate.hpp"
#include "flows/objectives/objective.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// The likelihood of finer steps, and the differences of cheap steps from these, as a loss. A sample x is carried to
/// the base finely, to (z, q), and cheaply, to (z', q'); from z cheaply back, to (x'', q''); q is the integral of the
/// divergence along each way. And a draw y of the base finely to the data, and from there cheaply back, to (y', r'):
///
///   loss = mean over the batch of  -log p + weight [ h(log p' - log p) + h(|z' - z|) + h(q'' + q) + h(|x'' - x|)
///                                                    + h(log p'_y - log p_y) + h(|y' - y|) ],
///   log p = log p_base(z) + q,    h(r) = s ((1 + (r / s)^2)^(1/2) - 1), s = kSoft: a square near 0, |r| beyond.
///
/// The likelihood is the finer steps', so that it keeps the flow to the data; a field that is free would rather learn
/// to exploit the steps it is judged by. The finer ones are kFine of rk4, whose ends are drawn anew every step, so that
/// no field can be right at these alone. The draws come where data do not, where the cheap log p is worst.
/// The gradient is the exact one of the numbers computed, through all solves.
///
/// Draws   Purpose::fine_grid at (seed, step); y: of the base's stream.
/// Cost    16 evaluations and their transposes, and three times the cheap solver's.
/// Source  differences between few steps and more as a loss: Song, Dhariwal, Chen, Sutskever (2023), Consistency
///         models; Frans, Hafner, Levine, Abbeel (2024), One step diffusion via shortcut models. h: Charbonnier,
///         Blanc-Feraud, Aubert, Barlaud (1997), IEEE Trans. Image Process. 6(2), 298-311.
struct FewSteps {
  static constexpr ObjectiveTraits kTraits{
      .name = "few-steps",
      .help = "Few steps is likelihood, and that a few fixed steps are as good as finer ones, for cnf straighten.",
      .loss_name = "few-steps",
      .solves = false,
      .log_density = true,
      .validation_stretch = 8,
  };
  static constexpr bool kUsesDivergence = true;
  static constexpr double kSoft = 0.05;
  static constexpr int kFine = 2;

  enum class Solver { euler, midpoint, heun, ralston, rk4, rk4_38 };
  Solver solver = Solver::midpoint;
  Index steps = 2;
  double weight = 10;

  std::vector<Setting> settings();
  void check(const Cnf& model) const;
  CheapSolver cheap_solver() const;

  template <class T>
  void run_tile(TileJob<T> job) const;

 private:
  template <class T>
  class TileLoss;
};

inline constexpr std::array kAllFewStepsSolvers{FewSteps::Solver::euler, FewSteps::Solver::midpoint,
                                                FewSteps::Solver::heun,  FewSteps::Solver::ralston,
                                                FewSteps::Solver::rk4,   FewSteps::Solver::rk4_38};
std::string_view name(FewSteps::Solver solver);  ///< of its method

}  // namespace cnf
