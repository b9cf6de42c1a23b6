// Gradients against central differences, in double: every one of the likelihood on the user's own model, and that of
// any task's loss.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "flows/tile_flow.hpp"
#include "flows/training/task.hpp"

namespace cnf {

/// One block of the gradient along random directions d_j: its slopes g.d_j against differences.
struct GradientBlock {
  std::string name;  ///< "z", a tensor's name, "t_data" or "t_base"; of several blocks "blocks.0.t_data"
  int directions = 0;
  double relative_error = 0;  ///< |g - g_fd| / |g_fd|, 2-norm over the directions
  double cosine = 1;          ///< of the two vectors of slopes
};

/// One way of taking the gradient.
struct GradientCheck {
  std::string mode;       ///< a GradientMode's name, or "discrete, solved again"
  std::string reference;  ///< what the differences were taken of
  std::vector<GradientBlock> blocks;
  std::int64_t evaluations = 0;
  std::string kept{};  ///< of each solve, where that is planned: MemoryPlan::text

  const GradientBlock& worst() const;
  double cosine() const;  ///< the least of the blocks'
};

struct GradcheckOptions {
  SolveOptions solve{};           ///< the discrete adjoint's solve; its flag stops all of them
  double continuous_rtol = 1e-8;  ///< tolerance of the continuous and the interpolated adjoint's two solves
  double reference_rtol = 1e-11;  ///< of the re-adapted solves that these are compared with
  DivergenceChoice divergence{};
  std::vector<GradientMode> modes{};                       ///< to be checked; empty: all that serve the method
  std::size_t memory = Recording<double>::kDefaultBudget;  ///< bytes that the gradient of the one tile may keep
  int directions = 32;                                     ///< per block
  int threads = 0;
  Seed seed{};
  std::function<void(std::int64_t done, std::int64_t of)> progress{};  ///< of the directions, by the calling thread
};

/// Differences are of fourth order, (8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12 h, in double.
///
/// Checks at x (the user's units; up to tile_rows(model) samples make one tile).
/// The discrete and, of a table, the reversible adjoint are compared with differences of the loss on the recorded grid,
/// where they are exact; the continuous and the interpolated one with differences of a loss solved anew at
/// reference_rtol; and, without a bound, the discrete adjoint with differences of a loss whose steps adapt anew: it
/// shows what freezing the grid leaves out.
/// std::invalid_argument: a mode that cannot serve the method, too little memory. ComputationError: a solve failed.
/// Stopped: options.solve.stop was raised.
std::vector<GradientCheck> gradcheck(const Cnf& model, const Samples<double>& x, const GradcheckOptions& options);

struct TaskGradcheckOptions {
  std::uint32_t step = 0;    ///< the batch, and what is drawn for it
  int directions = 8;        ///< per tensor
  double difference = 2e-4;  ///< h: small against the parameters, large against the noise of the loss
  Seed seed{};
};

/// The gradient of one step of a task by each tensor of its layout. What the task solves must take the same steps
/// wherever it is asked: fixed steps, since a grid that adapts is another function at every difference.
/// std::invalid_argument: parameters of another number, no tensors, no directions. std::runtime_error: a solve failed.
GradientCheck gradcheck(Task<double>& task, const Vector<double>& params, const TaskGradcheckOptions& options = {});

}  // namespace cnf
