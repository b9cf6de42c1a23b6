// Models as safetensors files; docs/file-format.md describes every field.
#pragma once

#include <filesystem>
#include <string>

#include "flows/evaluator.hpp"

namespace cnf {

/// Files of format 1 .. kModelFormat are read; the lowest that can say the model is written: 1 for one MLP on a normal
/// base, 2 for everything else.
inline constexpr int kModelFormat = 2;

/// A model with what is known of how it came to be. The texts are JSON objects, kept as they are.
struct ModelFile {
  Cnf model;
  Precision precision = Precision::single_float;  ///< of the stored weights
  std::string recipe = "{}";                      ///< data, seed, steps, rates, solver: what `train` was told
  std::string numbers = "{}";                     ///< what it measured: validation NLL, evaluations, ...
  std::string digest{};                           ///< of a file that was read: all its bytes, as base/digest.hpp
};

/// The file's bytes: the same model gives the same bytes. No time, host or path is inside.
/// Throws ComputationError naming the tensor if a weight is not finite: such a model is never written.
std::string model_bytes(const ModelFile& file);

/// Reads a model. Throws InputError naming the file and what is wrong: not safetensors, not ours, newer format, missing
/// or extra tensor, wrong shape, weight that is not finite, digest that does not match.
ModelFile read_model(const std::filesystem::path& path);

}  // namespace cnf
