// A run that is to replace another lies in .new. That it stands is one rename, to .ready; then its files are moved out,
// and what is in .ready goes before what is beside it.
#include "tools/run/run_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/file_writer.hpp"
#include "base/folder.hpp"
#include "base/safetensors.hpp"
#include "base/utf8.hpp"

namespace cnf {

namespace fs = std::filesystem;

namespace {

constexpr const char* kKind = "cnf rows";
constexpr const char* kNew = ".new";
constexpr const char* kReady = ".ready";

/// All files of a run. The first is part of every run that stands, and moves first.
constexpr const char* kFiles[] = {"training.safetensors", "rows.safetensors", "start.safetensors",
                                  "source.picture",       "metrics.csv",      "timing.csv",
                                  "density.png",          "evaluation.json",  "model.safetensors"};

[[noreturn]] void fail(const fs::path& path, const std::string& doing, int error) {
  throw OutputError(printable(path.native()) + ": " + doing + ": " + std::generic_category().message(error));
}

/// What cannot be looked at is not taken for absent.
bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  if (type == fs::file_type::none) fail(path, "cannot be looked at", error.value());
  return type != fs::file_type::not_found;
}

/// Whether there is this folder. What only looks like it may lead elsewhere.
bool is_own_folder(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(path, ignored);
  if (fs::exists(status) && !fs::is_directory(status))
    throw OutputError(printable(path.native()) + ": is a link, or no folder, where a run keeps its files",
                      "remove it, if this folder is what you want to write to");
  return fs::is_directory(status);
}

void remove_file(const fs::path& path) {
  if (file_ops().unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, "cannot remove it", errno);
}

void move_file(const fs::path& from, const fs::path& to) {
  if (file_ops().rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot rename the new run's file to it", errno);
}

void remove_folder(const fs::path& path) {
  remove_abandoned_temporaries(path);
  if (file_ops().rmdir(path.c_str()) != 0) fail(path, "cannot remove the folder", errno);
}

void clear_new(const fs::path& folder) {
  if (!is_own_folder(folder / kNew)) return;
  for (const char* name : kFiles) remove_file(folder / kNew / name);
  remove_folder(folder / kNew);
}

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

fs::path RunFolder::file(const char* name) const {
  if (replacing) return folder / kNew / name;
  const fs::path ready = folder / kReady / name;
  std::error_code ignored;
  return fs::exists(fs::symlink_status(ready, ignored)) ? ready : folder / name;
}

bool RunFolder::occupied() const {
  return std::ranges::any_of(kFiles, [&](const char* name) { return is_there(file(name)); });
}

void RunFolder::choose_newer() {
  std::error_code ignored;
  replacing = fs::is_directory(fs::symlink_status(folder / kNew, ignored)) && is_there(folder / kNew / kFiles[0]);
}

void RunFolder::settle() const {
  const fs::path ready = folder / kReady;
  if (!is_own_folder(ready)) return;
  if (is_there(ready / kFiles[0])) {
    for (const char* name : kFiles)
      if (!is_there(ready / name))
        remove_file(folder / name);  // of the run that is replaced, and of no name in the new one
    sync_folder(folder);
    move_file(ready / kFiles[0], folder / kFiles[0]);
    sync_folder(folder);  // on the disk before the others: see above, the question is whether it is still there
  }
  for (const char* name : kFiles)
    if (is_there(ready / name)) move_file(ready / name, folder / name);
  sync_folder(folder);
  remove_folder(ready);
}

void RunFolder::begin_replacement() {
  clear_new(folder);
  create_folder(folder / kNew);
  replacing = true;
}

void RunFolder::replace() {
  if (!is_own_folder(folder / kNew)) fail(folder / kNew, "cannot find the new run", ENOENT);
  move_file(folder / kNew, folder / kReady);
  replacing = false;
  sync_folder(folder);
  settle();
}

void RunFolder::discard_replacement() noexcept {
  replacing = false;
  try {
    clear_new(folder);
  } catch (const std::exception&) {
    // The next run that replaces another does it, or says why not.
  }
}

void RunFolder::refuse_strange_files() const {
  for (const fs::path& path : {model(), training(), rows(), start(), source()}) {
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
