#include "tools/run/run_folder.hpp"

#include "base/error.hpp"
#include "base/safetensors.hpp"
#include "base/utf8.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

constexpr const char* kKind = "cnf rows";

/// Samples are rows of a file and columns in memory: a column-major D x N is a row-major N x D.
Tensor rows_tensor(const std::string& name, const Batch& x) {
  return make_tensor<double>(name, {x.cols(), x.rows()}, {x.data(), static_cast<std::size_t>(x.size())});
}

Batch rows_of(const Safetensors& file, const std::string& name, const std::string& path) {
  const Tensor* tensor = file.find(name);
  if (tensor == nullptr || tensor->dtype != Dtype::F64 || tensor->shape.size() != 2)
    throw InputError(path + ": tensor '" + name + "' is missing or not a table of F64");
  const std::vector<double> all = values<double>(*tensor);
  return Tile<double>(all.data(), tensor->shape[1], tensor->shape[0]);
}

}  // namespace

void RunFolder::refuse_strange_files() const {
  for (const fs::path& path : {model(), training(), rows(), source()}) {
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    if (fs::exists(status) && !fs::is_regular_file(status))
      throw InputError(printable(path.native()) + ": not a file", "a run is resumed from the files that it wrote");
  }
}

std::string split_rows_bytes(const SplitRows& rows) {
  return safetensors_bytes(
      {{{"cnf.kind", kKind}},
       {rows_tensor("train", rows.train), rows_tensor("validation", rows.validation), rows_tensor("test", rows.test)}});
}

SplitRows read_split_rows(const fs::path& path) {
  const Safetensors file = read_safetensors(path);
  const auto kind = file.metadata.find("cnf.kind");
  if (kind == file.metadata.end() || kind->second != kKind) throw InputError(path.string() + ": not the rows of a run");
  return {rows_of(file, "train", path.string()), rows_of(file, "validation", path.string()),
          rows_of(file, "test", path.string())};
}

}  // namespace cnf
