#include "tools/run/run_folder.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/error.hpp"
#include "base/safetensors.hpp"
#include "base/utf8.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

constexpr const char* kKind = "cnf rows";

/// Samples are rows of a file and columns in memory: a column-major D x N is a row-major N x D.
TensorView rows_tensor(std::string name, const Batch& x) {
  return {std::move(name), Dtype::F64, {x.cols(), x.rows()}, std::as_bytes(std::span(x.data(), x.data() + x.size()))};
}

/// Takes the rows out of the file, so that no two copies of them stay.
Batch take_rows(Safetensors& file, const std::string& name, const std::string& path) {
  const auto tensor =
      std::find_if(file.tensors.begin(), file.tensors.end(), [&](const Tensor& one) { return one.name == name; });
  if (tensor == file.tensors.end() || tensor->dtype != Dtype::F64 || tensor->shape.size() != 2)
    throw InputError(path + ": tensor '" + name + "' is missing or not a table of F64");
  Batch rows(tensor->shape[1], tensor->shape[0]);
  if (rows.size() > 0) std::memcpy(rows.data(), tensor->data.data(), tensor->data.size());
  file.tensors.erase(tensor);
  return rows;
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

void write_split_rows(const fs::path& path, const SplitRows& rows) {
  const Index values = rows.train.size() + rows.validation.size() + rows.test.size();
  FileWriter file(path, static_cast<std::uint64_t>(values) * sizeof(double), Links::replace);
  write_split_rows(file, rows);
  file.finish();
}

void write_split_rows(FileWriter& file, const SplitRows& rows) {
  write_safetensors(
      file, {{"cnf.kind", kKind}},
      {rows_tensor("train", rows.train), rows_tensor("validation", rows.validation), rows_tensor("test", rows.test)});
}

SplitRows read_split_rows(const fs::path& path) {
  Safetensors file = read_safetensors(path);
  const std::string name = printable(path.native());
  const auto kind = file.metadata.find("cnf.kind");
  if (kind == file.metadata.end() || kind->second != kKind) throw InputError(name + ": not the rows of a run");
  SplitRows rows;
  rows.train = take_rows(file, "train", name);
  rows.validation = take_rows(file, "validation", name);
  rows.test = take_rows(file, "test", name);
  return rows;
}

}  // namespace cnf
