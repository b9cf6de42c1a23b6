#include "tools/run/model_argument.hpp"

#include "base/error.hpp"
#include "datasets/energies/energies.hpp"
#include "datasets/picture.hpp"
#include "tools/cli/output.hpp"
#include "tools/run/recipe.hpp"

namespace cnf {

namespace fs = std::filesystem;

ModelArgument open_model(const fs::path& argument) {
  std::error_code error;
  ModelArgument opened;
  if (fs::is_directory(argument, error)) {
    opened.run = RunFolder{argument};
    opened.path = opened.run->model();
    if (!fs::exists(opened.path, error))
      throw InputError(argument.string() + ": no model.safetensors in this folder; is it a run folder?",
                       fs::exists(opened.run->training(), error)
                           ? "its training has not come to a first model yet; go on with it: cnf train --resume " +
                                 shell_word(argument.string())
                           : "train one with: cnf train --data 8gaussians -o " + argument.string());
  } else {
    opened.path = argument;
    const RunFolder beside{argument.parent_path()};
    if (argument.filename() == beside.model().filename()) opened.run = beside;
  }
  opened.file = read_model(opened.path);
  return opened;
}

Option model_argument() {
  return {.name = "model",
          .value = "MODEL",
          .kind = Kind::path,
          .help = "A run folder of cnf train, or a .safetensors model.",
          .required = true};
}

std::optional<SplitRows> ModelArgument::split() const {
  std::error_code error;
  if (!run || !fs::exists(run->rows(), error) || recipe_data(file.recipe, path.string()).kind != DataKind::table)
    return std::nullopt;
  return read_split_rows(run->rows());
}

std::shared_ptr<const Density> known_density(const ModelArgument& opened) {
  const RecipeData data = recipe_data(opened.file.recipe, opened.path.string());
  if (data.kind == DataKind::energy) return known_energy(opened);
  if (data.kind == DataKind::built_in) return find_data(data.name, false).density;
  std::error_code error;
  if (data.kind == DataKind::picture && opened.run && fs::exists(opened.run->source(), error))
    return read_picture(opened.run->source(), data.invert);
  return nullptr;
}

std::shared_ptr<const Energy> known_energy(const ModelArgument& opened) {
  const RecipeData data = recipe_data(opened.file.recipe, opened.path.string());
  return data.kind == DataKind::energy ? find_energy(data.name) : nullptr;
}

void expect_dimensions(const Cnf& model, const Density& density) {
  if (model.dim() != density.dim())
    throw InputError(density.name() + ": a set of " + std::to_string(density.dim()) +
                     " dimensions, the model is over " + std::to_string(model.dim()));
}

std::string data_name(const ModelFile& file) {
  const std::string name = recipe_data(file.recipe, "model").name;
  return name.empty() ? "model" : fs::path(name).filename().string();
}

}  // namespace cnf
