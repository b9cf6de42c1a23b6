#include "flows/files/model_file.hpp"

#include "flows/files/model_part.hpp"

namespace cnf {

namespace {

constexpr const char* kModelKind = "cnf model";

}  // namespace

std::string model_bytes(const ModelFile& file) {
  Safetensors out = model_part(file, kModelKind);
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
  ModelFile out = read_model_part(file, format, reader, path.string());
  const Layout layout = out.model.layout();
  out.model.params = out.precision == Precision::single_float
                         ? Vector<double>(reader.params<float>(layout, "").cast<double>())
                         : reader.params<double>(layout, "");
  reader.finish();
  out.digest = file.digest;
  return out;
}

}  // namespace cnf
