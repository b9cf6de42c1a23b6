// Models and training states as safetensors files; docs/file-format.md describes every field.
#pragma once

#include <filesystem>
#include <string>

#include "flows/evaluator.hpp"
#include "flows/training/train.hpp"

namespace cnf {

inline constexpr int kModelFormat = 2;  ///< written; files of format 1 .. kModelFormat are read

/// A model with what is known of how it came to be. The texts are JSON objects, kept as they are.
struct ModelFile {
  Cnf model;
  Precision precision = Precision::single_float;  ///< of the stored weights
  std::string recipe = "{}";                      ///< data, seed, steps, rates, solver: what `train` was told
  std::string numbers = "{}";                     ///< what it measured: validation NLL, evaluations, ...
};

/// The file's bytes: the same model gives the same bytes. No time, host or path is inside.
/// Throws ComputationError naming the tensor if a weight is not finite: such a model is never written.
std::string model_bytes(const ModelFile& file);

/// Reads a model. Throws InputError naming the file and what is wrong: not safetensors, not ours, newer format, missing
/// or extra tensor, wrong shape, weight that is not finite, digest that does not match.
ModelFile read_model(const std::filesystem::path& path);

/// A training state beside the model it trains: everything `train` needs to go on to the same bits.
template <class T>
struct TrainingFile {
  ModelFile file;  ///< model.params is not stored: read_training sets it to the current weights
  TrainingState<T> state;
};
template <class T>
std::string training_bytes(const TrainingFile<T>& training);

/// The precision a training state was written in, to choose T by. Throws as read_model.
Precision training_precision(const std::filesystem::path& path);
template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path);

}  // namespace cnf
