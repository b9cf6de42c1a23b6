// Small models that the tests of this layer share.
#pragma once

#include "flows/evaluator.hpp"
#include "flows/fields/mlp.hpp"
#include "tests/normals.hpp"

namespace cnf {

inline MlpShape small_shape(std::vector<Index> hidden, Activation activation = Activation::tanh,
                            bool output_gate = false, TimeConditioning time = TimeConditioning::concatsquash,
                            Index dim = 2) {
  return {.dim = dim, .hidden = std::move(hidden), .activation = activation, .time = time, .output_gate = output_gate};
}

/// A flow that moves points visibly, with weights of ordinary size in every layer.
inline Cnf small_flow(const MlpShape& shape, Seed seed = {3}) {
  Cnf model;
  model.blocks.front().field = shape;
  model.params = initial_parameters(shape, {.first_weight = 1.5, .hidden_weight = 1.5, .last_weight = 1.5}, seed);
  model.params = model.params.cast<float>().cast<double>();
  model.standardisation = Standardisation::identity(shape.dim);
  return model;
}

inline Batch normal_batch(Index dim, Index n, Seed seed) { return normals(dim, n, seed, 9); }

}  // namespace cnf
