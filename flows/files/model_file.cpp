#include "flows/files/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/safetensors.hpp"
#include "flows/files/parts_json.hpp"
#include "flows/files/shape_json.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

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

/// A matrix as its file holds it: row-major; a vector has one dimension.
template <class T>
Tensor matrix_tensor(const std::string& name, const Matrix<T>& values, bool vector) {
  std::vector<T> rows;
  rows.reserve(static_cast<std::size_t>(values.size()));
  for (Index i = 0; i < values.rows(); ++i)
    for (Index j = 0; j < values.cols(); ++j) {
      if (!std::isfinite(static_cast<double>(values(i, j))))
        throw ComputationError("tensor " + in_quotes(name) + " holds a value that is not finite; it is not written");
      rows.push_back(values(i, j));
    }
  std::vector<std::int64_t> shape{values.rows()};
  if (!vector) shape.push_back(values.cols());
  return make_tensor<T>(name, shape, rows);
}

/// Adds every slice of a flat parameter vector under "prefix + its name".
template <class T>
void add_params(Safetensors& file, const Layout& layout, const std::string& prefix, const Vector<T>& params) {
  for (const TensorSlice& slice : layout.tensors) {
    const Matrix<T> values = Tile<T>(params.data() + slice.offset, slice.rows, slice.cols);
    file.tensors.push_back(matrix_tensor<T>(prefix + slice.name, values, slice.vector));
  }
}

/// Takes tensors out of a file by name, with every check; what is left over at the end is refused.
class TensorReader {
 public:
  TensorReader(const Safetensors& file, std::string path) : file_(file), path_(std::move(path)) {}

  /// The tensor of this name, shape and type, marked as seen.
  const Tensor& expect(const std::string& name, const std::vector<std::int64_t>& shape, Dtype dtype) {
    const Tensor* tensor = file_.find(name);
    if (tensor == nullptr) throw InputError(path_ + ": tensor " + in_quotes(name) + " is missing");
    seen_.insert(name);
    if (tensor->shape != shape)
      throw InputError(path_ + ": tensor " + in_quotes(name) + " has shape " + Json(tensor->shape).dump() +
                       ", expected " + Json(shape).dump());
    if (tensor->dtype != dtype)
      throw InputError(path_ + ": tensor " + in_quotes(name) + " holds " + std::string(cnf::name(tensor->dtype)) +
                       ", expected " + std::string(cnf::name(dtype)));
    return *tensor;
  }

  template <class T>
  Matrix<T> matrix(const std::string& name, Index rows, Index cols, bool vector) {
    const std::vector<T> data = values<T>(expect(name, shape_of(rows, cols, vector), dtype_of<T>()));
    Matrix<T> result(rows, cols);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) {
        result(i, j) = data[static_cast<std::size_t>(i * cols + j)];
        if (!std::isfinite(static_cast<double>(result(i, j))))
          throw InputError(path_ + ": tensor " + in_quotes(name) + " holds " + std::to_string(result(i, j)) +
                           " at row " + std::to_string(i + 1) + ", column " + std::to_string(j + 1) +
                           "; weights must be finite");
      }
    return result;
  }
  template <class T>
  Vector<T> params(const Layout& layout, const std::string& prefix) {
    for (const TensorSlice& slice : layout.tensors)  // all are here before memory of their sizes is asked for
      expect(prefix + slice.name, shape_of(slice.rows, slice.cols, slice.vector), dtype_of<T>());
    Vector<T> flat = Vector<T>::Zero(layout.size);
    for (const TensorSlice& slice : layout.tensors)
      Out<T>(flat.data() + slice.offset, slice.rows, slice.cols) =
          matrix<T>(prefix + slice.name, slice.rows, slice.cols, slice.vector);
    return flat;
  }
  void finish() const {
    for (const Tensor& tensor : file_.tensors)
      if (!seen_.contains(tensor.name))
        throw InputError(path_ + ": tensor " + in_quotes(tensor.name) + " does not belong to this network");
  }

 private:
  static std::vector<std::int64_t> shape_of(Index rows, Index cols, bool vector) {
    return vector ? std::vector<std::int64_t>{rows} : std::vector<std::int64_t>{rows, cols};
  }

  const Safetensors& file_;
  std::string path_;
  std::set<std::string> seen_;
};

constexpr const char* kModelKind = "cnf model";
constexpr const char* kTrainingKind = "cnf training state";

/// The metadata and tensors that a model and a training state share.
Safetensors common_part(const ModelFile& file, const char* what) {
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

const std::string& field(const Safetensors& file, const std::string& key, const std::string& path) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    throw InputError(path + ": metadata field " + in_quotes(key) + " is missing; is this a file of ours?");
  return found->second;
}

Json json_field(const Safetensors& file, const std::string& key, const std::string& path) {
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

/// The text of a field that holds a JSON object, as it is.
std::string object_field(const Safetensors& file, const std::string& key, const std::string& path) {
  if (!json_field(file, key, path).is_object())
    throw InputError(path + ": metadata field " + in_quotes(key) + " is not a JSON object");
  return field(file, key, path);
}

/// The file's format, after a look at what it is.
int expect_kind(const Safetensors& file, const char* kind, const std::string& path) {
  const std::string& found = field(file, "cnf.kind", path);
  if (found != kind) throw InputError(path + ": this is a " + in_quotes(found) + ", expected a " + in_quotes(kind));
  const std::string& format = field(file, "cnf.format", path);
  const bool number =
      !format.empty() && format.size() < 9 && format.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(format) < 1)
    throw InputError(path + ": format " + in_quotes(format) + " is not a format number");
  if (std::stoi(format) > kModelFormat)
    throw InputError(path + ": written by format " + format + ", this build reads 1 to " +
                     std::to_string(kModelFormat) + "; use a newer build");
  return std::stoi(format);
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

Precision precision_of(const Safetensors& file, const std::string& path) {
  constexpr Precision kPrecisions[] = {Precision::single_float, Precision::double_float};
  return named<Precision>(kPrecisions, field(file, "cnf.precision", path), path);
}

/// Everything of the model but its weights.
ModelFile read_common(const Safetensors& file, int format, TensorReader& reader, const std::string& path) {
  ModelFile out;
  try {
    out.precision = precision_of(file, path);
    if (format == 1)
      read_plain(file, path, out.model);
    else
      read_parts(json_field(file, "cnf.parts", path), path, out.model);
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
  out.model.standardisation.mean = reader.matrix<double>("standardisation.mean", D, 1, true);
  out.model.standardisation.scale = reader.matrix<double>("standardisation.scale", D, D, false);
  if (!(out.model.standardisation.scale.diagonal().array() > 0).all())
    throw InputError(path + ": tensor 'standardisation.scale' must have a positive diagonal");
  return out;
}

template <class T>
void read_weights(TensorReader& reader, const Layout& layout, const std::string& prefix, Weights<T>& weights) {
  weights.params = reader.params<T>(layout, prefix + "params.");
  weights.average = reader.params<T>(layout, prefix + "average.");
  for (const auto& slot : Adam<T>().slots(layout))
    weights.slots.push_back(reader.params<T>(layout, prefix + slot.name + "."));
}

template <class T>
void add_weights(Safetensors& file, const Layout& layout, const std::string& prefix, const Weights<T>& weights) {
  add_params(file, layout, prefix + "params.", weights.params);
  add_params(file, layout, prefix + "average.", weights.average);
  const auto slots = Adam<T>().slots(layout);
  for (std::size_t i = 0; i < slots.size(); ++i)
    add_params(file, layout, prefix + slots[i].name + ".", weights.slots[i]);
}

}  // namespace

std::string model_bytes(const ModelFile& file) {
  Safetensors out = common_part(file, kModelKind);
  const Layout layout = file.model.layout();
  if (file.precision == Precision::single_float)
    add_params<float>(out, layout, "", file.model.params.cast<float>());
  else
    add_params<double>(out, layout, "", file.model.params);
  return safetensors_bytes(out);
}

ModelFile read_model(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  const int format = expect_kind(file, kModelKind, path.string());
  TensorReader reader(file, path.string());
  ModelFile out = read_common(file, format, reader, path.string());
  const Layout layout = out.model.layout();
  out.model.params = out.precision == Precision::single_float
                         ? Vector<double>(reader.params<float>(layout, "").cast<double>())
                         : reader.params<double>(layout, "");
  reader.finish();
  return out;
}

template <class T>
std::string training_bytes(const TrainingFile<T>& training) {
  Safetensors out = common_part(training.file, kTrainingKind);
  const Layout layout = training.file.model.layout();
  const TrainingState<T>& state = training.state;
  add_weights(out, layout, "current.", state.current);
  add_weights(out, layout, "last_good.", state.last_good);
  add_params(out, layout, "best.", state.best);
  const double reals[] = {std::min(state.best_score, std::numeric_limits<double>::max()),
                          state.rate_scale,
                          state.window_loss,
                          state.window_evaluations,
                          state.window_solves,
                          state.window_steps,
                          state.gradient_norm};
  const std::int64_t counts[] = {state.step,
                                 state.steps,
                                 state.best_step,
                                 state.skipped,
                                 state.rollbacks,
                                 state.failed_in_a_row,
                                 state.stale_validations,
                                 state.current.updates,
                                 state.last_good.updates};
  out.tensors.push_back(make_tensor<double>("reals", {std::ssize(reals)}, reals));
  out.tensors.push_back(make_tensor<std::int64_t>("counts", {std::ssize(counts)}, counts));
  return safetensors_bytes(out);
}

Precision training_precision(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  expect_kind(file, kTrainingKind, path.string());
  return precision_of(file, path.string());
}

template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  const int format = expect_kind(file, kTrainingKind, path.string());
  TensorReader reader(file, path.string());
  TrainingFile<T> out{read_common(file, format, reader, path.string()), {}};
  const Layout layout = out.file.model.layout();
  TrainingState<T>& state = out.state;
  read_weights(reader, layout, "current.", state.current);
  read_weights(reader, layout, "last_good.", state.last_good);
  state.best = reader.params<T>(layout, "best.");
  const Vector<double> reals = reader.matrix<double>("reals", 7, 1, true);
  const std::vector<std::int64_t> counts = values<std::int64_t>(reader.expect("counts", {9}, Dtype::I64));
  reader.finish();
  state.best_score =
      reals[0] == std::numeric_limits<double>::max() ? std::numeric_limits<double>::infinity() : reals[0];
  state.rate_scale = reals[1];
  state.window_loss = reals[2];
  state.window_evaluations = reals[3];
  state.window_solves = reals[4];
  state.window_steps = reals[5];
  state.gradient_norm = reals[6];
  state.step = counts[0];
  state.steps = counts[1];
  state.best_step = counts[2];
  state.skipped = counts[3];
  state.rollbacks = counts[4];
  state.failed_in_a_row = counts[5];
  state.stale_validations = counts[6];
  state.current.updates = counts[7];
  state.last_good.updates = counts[8];
  if (std::any_of(counts.begin(), counts.end(), [](std::int64_t n) { return n < 0; }))
    throw InputError(path.string() + ": tensor 'counts' holds a negative count");
  out.file.model.params = state.current.params.template cast<double>();
  return out;
}

template std::string training_bytes(const TrainingFile<float>&);
template std::string training_bytes(const TrainingFile<double>&);
template TrainingFile<float> read_training(const std::filesystem::path&);
template TrainingFile<double> read_training(const std::filesystem::path&);

}  // namespace cnf
