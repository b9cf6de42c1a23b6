// Training states as safetensors files; docs/file-format.md describes every field.
#pragma once

#include "flows/files/model_file.hpp"
#include "flows/training/train.hpp"

namespace cnf {

/// A training state beside the model it trains: everything `train` needs to go on to the same bits.
template <class T>
struct TrainingFile {
  ModelFile file;  ///< model.params is not stored: read_training sets it to the current weights
  TrainingState<T> state;
  std::string optimizer{};  ///< the name of the rule that trained: read_training sets it
};

/// The file's bytes. `rule` names the slots: it must be the one that trained.
template <class T>
std::string training_bytes(const TrainingFile<T>& training, const Optimizer<T>& rule = Adam<T>());

/// The precision a training state was written in, to choose T by. Throws as read_model.
Precision training_precision(const std::filesystem::path& path);

/// Reads a state that `rule` trained; without it, one that any of kAllOptimizers did. Throws as read_model; InputError
/// also for a state of another optimizer, and for a number that this build does not know and must not pass over.
template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path, const Optimizer<T>& rule);
template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path);

}  // namespace cnf
