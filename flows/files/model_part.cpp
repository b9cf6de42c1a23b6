// Format 1 says one MLP on a normal base, by cnf.field and cnf.flow; format 2 says the rest, by a list of parts. What a
// model means is in the keys of these alone, so a key that this build does not know is refused, not passed over.
#include "flows/files/model_part.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "flows/files/parts_json.hpp"
#include "flows/files/shape_json.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

/// The value of `all` that has this name.
template <class E, class Range>
E named(const Range& all, const std::string& text, const std::string& where) {
  std::string known;
  for (const E e : all) {
    if (name(e) == text) return e;
    known += (known.empty() ? "" : ", ") + std::string(name(e));
  }
  throw InputError(where + ": " + in_quotes(text) + " is not known to this build; expected one of " + known);
}

const std::string& field(const Safetensors& file, const std::string& key, const std::string& path) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    throw InputError(path + ": metadata field " + in_quotes(key) + " is missing; is this a file of ours?");
  return found->second;
}

/// The text of a field that holds a JSON object, as it is.
std::string object_field(const Safetensors& file, const std::string& key, const std::string& path) {
  if (!json_field(file, key, path).is_object())
    throw InputError(path + ": metadata field " + in_quotes(key) + " is not a JSON object");
  return field(file, key, path);
}

/// A model of format 1: one block, by two fields of metadata.
void read_plain(const Safetensors& file, const std::string& path, Cnf& model) {
  Block& block = model.blocks.front();
  const Json shape = json_field(file, "cnf.field", path), flow = json_field(file, "cnf.flow", path);
  block.field = shape_from(shape, path);
  if (flow.at("base") != kind(model.base))
    throw InputError(path + ": base density " + flow.at("base").dump() + ", this build knows \"normal\"");
  expect_keys(shape, &block.field, {"kind"}, path);
  expect_keys(flow, nullptr, {"base", "t_base", "t_data"}, path);
  block.t_base = flow.at("t_base").get<double>();
  block.t_data = flow.at("t_data").get<double>();
  if (!std::isfinite(block.t_base) || !std::isfinite(block.t_data) || block.t_base == block.t_data)
    throw InputError(path + ": t_base and t_data must be finite and different");
  if (!model.is_plain())
    throw InputError(path + ": format 1 cannot say a field of kind '" + std::string(kind(block.field)) + "'");
}

}  // namespace

nlohmann::ordered_json json_field(const Safetensors& file, const std::string& key, const std::string& path) {
  constexpr int kDeepest = 8;
  const Json json = Json::parse(
      field(file, key, path),
      [&](int depth, Json::parse_event_t, Json&) {
        if (depth > kDeepest)
          throw InputError(path + ": metadata field " + in_quotes(key) + " is nested deeper than " +
                           std::to_string(kDeepest));
        return true;
      },
      false);
  if (json.is_discarded()) throw InputError(path + ": metadata field " + in_quotes(key) + " is not JSON");
  return json;
}

int expect_kind(const Safetensors& file, const char* what, const std::string& path) {
  const std::string found = field(file, "cnf.kind", path);
  if (found != what) throw InputError(path + ": this is a " + in_quotes(found) + ", expected a " + in_quotes(what));
  const std::string format = field(file, "cnf.format", path);
  const bool number =
      !format.empty() && format.size() < 9 && format.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(format) < 1)
    throw InputError(path + ": format " + in_quotes(format) + " is not a format number");
  if (std::stoi(format) > kModelFormat)
    throw InputError(path + ": written by format " + format + ", this build reads 1 to " +
                     std::to_string(kModelFormat) + "; use a newer build");
  return std::stoi(format);
}

Precision precision_of(const Safetensors& file, const std::string& path) {
  constexpr Precision kPrecisions[] = {Precision::single_float, Precision::double_float};
  return named<Precision>(kPrecisions, field(file, "cnf.precision", path), path);
}

Safetensors model_part(const ModelFile& file, const char* what) {
  check(file.model);
  Safetensors out;
  out.metadata["cnf.kind"] = what;
  out.metadata["cnf.precision"] = name(file.precision);
  if (file.model.is_plain()) {  // the lowest format that can say it, so that older builds can read it
    const Block& block = file.model.blocks.front();
    out.metadata["cnf.format"] = "1";
    out.metadata["cnf.field"] = shape_json(block.field).dump();
    out.metadata["cnf.flow"] =
        Json{{"base", kind(file.model.base)}, {"t_base", block.t_base}, {"t_data", block.t_data}}.dump();
  } else {
    out.metadata["cnf.format"] = "2";
    out.metadata["cnf.parts"] = parts_json(file.model).dump();
  }
  out.metadata["cnf.columns"] = Json(file.model.columns).dump();
  out.metadata["cnf.recipe"] = file.recipe;
  out.metadata["cnf.numbers"] = file.numbers;
  out.tensors.push_back(matrix_tensor<double>("standardisation.mean", file.model.standardisation.mean, true));
  out.tensors.push_back(matrix_tensor<double>("standardisation.scale", file.model.standardisation.scale, false));
  return out;
}

ModelFile read_model_part(const Safetensors& file, int format, TensorReader& reader, const std::string& path) {
  ModelFile out;
  try {
    out.precision = precision_of(file, path);
    if (format == 1)
      read_plain(file, path, out.model);
    else
      read_parts(json_field(file, "cnf.parts", path), path, out.model);
    if (format != 1 && out.model.is_plain())
      throw InputError(path + ": one MLP on a normal base is of format 1, not " + std::to_string(format));
    out.model.columns = json_field(file, "cnf.columns", path).get<std::vector<std::string>>();
  } catch (const Json::exception& error) {
    throw InputError(path + ": metadata does not describe a network: " + error.what());
  }
  out.recipe = object_field(file, "cnf.recipe", path);
  out.numbers = object_field(file, "cnf.numbers", path);
  const Index D = out.model.dim();
  if (!out.model.columns.empty() && static_cast<Index>(out.model.columns.size()) != D)
    throw InputError(path + ": " + std::to_string(out.model.columns.size()) + " column names for " + std::to_string(D) +
                     " dimensions");
  for (const std::string& column : out.model.columns)
    if (!is_name(column))
      throw InputError(path + ": metadata field 'cnf.columns' has a name with a control character, '" +
                       printable(column, 200) + "'");
  out.model.standardisation.mean = reader.matrix<double>("standardisation.mean", D, 1, true);
  out.model.standardisation.scale = reader.matrix<double>("standardisation.scale", D, D, false);
  if (!(out.model.standardisation.scale.diagonal().array() > 0).all())
    throw InputError(path + ": tensor 'standardisation.scale' must have a positive diagonal");
  return out;
}

}  // namespace cnf
