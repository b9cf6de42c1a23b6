// The workloads W1 to W6: what training and evaluation cost.
//
// W1 to W4 are FFJORD's field for the plane: 2-64-64-64-2, tanh, concatsquash with a gated output, exact divergence by
// tangents, integrated over a time of 0.5. W5 is flow matching. W6 has the fields of FFJORD's tabular sets.
#pragma once

#include <filesystem>
#include <random>
#include <vector>

#include "bench/harness.hpp"
#include "flows/evaluator.hpp"
#include "flows/objectives/objective.hpp"

namespace cnf::bench {

/// The network of W1 to W4.
struct PlaneModel {
  Cnf model;
  bool trained = false;  ///< on 8gaussians; else random, and adaptive solves take a third of the steps
};

/// Reads it from `path`, or makes the untrained one if there is no such file. Throws InputError for another shape.
PlaneModel plane_model(const std::filesystem::path& path);

std::vector<Workload> workloads(const Cnf& plane);

/// Training by adaptive and by fixed steps, and log p, in calls of some milliseconds: what the guard watches.
std::vector<Workload> short_workloads(const Cnf& plane);

/// Multiply-adds that one forward evaluation of one sample needs.
double multiply_adds(const MlpShape& shape, const DivergenceMethod& method);

SolveOptions solve_with(const char* method, int fixed_steps, Norm norm = Norm::sample);

/// Training iterations on these batches in turn: forward, gradient, and Adam at rate 0, so that each does the same.
Call training(const Cnf& model, std::vector<Matrix<float>> batches, const SolveOptions& solve,
              const DivergenceChoice& divergence, int threads);

/// `count` batches of 8gaussians.
std::vector<Matrix<float>> plane_batches(Index batch, int count = 8);

/// The next uniform draw from [0, 1) of numpy's RandomState, whose words these are.
double numpy_uniform(std::mt19937& words);

/// Weights as torch.nn.Linear begins, gates and time uniform on (-1, 1): the draws of numpy's RandomState(seed), so
/// that other programs can have the same network.
Vector<double> linear_parameters(const MlpShape& shape, std::uint32_t seed);

}  // namespace cnf::bench
