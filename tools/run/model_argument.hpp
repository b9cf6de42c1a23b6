// A MODEL argument: the model it names, and what is known of the data the model was trained on.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "datasets/density.hpp"
#include "datasets/energies/energy.hpp"
#include "flows/files/model_file.hpp"
#include "tools/cli/option.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// A model argument: a run folder or a model file.
struct ModelArgument {
  ModelFile file;
  std::filesystem::path path;              ///< of the model file
  std::optional<RunFolder> run;            ///< if it is, or lies in, a run folder
  std::optional<SplitRows> split() const;  ///< the run's rows, if it was trained on a table
};
/// Throws InputError naming what is missing.
ModelArgument open_model(const std::filesystem::path& argument);

/// The positional argument MODEL of the verbs that take one, called "model".
Option model_argument();

/// The density a model was trained on, if it was one: a built-in set, the picture in its run folder, or that of a
/// built-in energy. Else null.
std::shared_ptr<const Density> known_density(const ModelArgument& opened);
/// The energy it was trained towards, or null.
std::shared_ptr<const Energy> known_energy(const ModelArgument& opened);

/// InputError: they are of different dimensions.
void expect_dimensions(const Cnf& model, const Density& density);

/// What texts and pictures call a model: the name of its data, "model" if it has none.
std::string data_name(const ModelFile& file);

}  // namespace cnf
