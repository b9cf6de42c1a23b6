// Private to this build: what a model's file and a training state's share, everything of the model but its weights.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "flows/files/model_file.hpp"
#include "flows/files/tensors.hpp"

namespace cnf {

/// The metadata and the standardisation, in the lowest format that can say the model. `what`: the value of cnf.kind.
Safetensors model_part(const ModelFile& file, const char* what);

/// The file's format. InputError: the file is of another kind, or of a format that this build does not know.
int expect_kind(const Safetensors& file, const char* what, const std::string& path);

/// Reads what model_part wrote. InputError for everything that it would not have written.
ModelFile read_model_part(const Safetensors& file, int format, TensorReader& reader, const std::string& path);

Precision precision_of(const Safetensors& file, const std::string& path);

/// A metadata field as JSON. InputError: it is missing, no JSON, or nested deeper than 8.
nlohmann::ordered_json json_field(const Safetensors& file, const std::string& key, const std::string& path);

}  // namespace cnf
