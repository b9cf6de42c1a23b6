// A run's folder: what is in it.
#pragma once

#include <filesystem>
#include <string>

#include "base/file_writer.hpp"
#include "base/types.hpp"

namespace cnf {

/// The files of a run.
struct RunFolder {
  std::filesystem::path folder;

  std::filesystem::path model() const { return folder / "model.safetensors"; }        ///< the best weights so far
  std::filesystem::path training() const { return folder / "training.safetensors"; }  ///< everything --resume needs
  std::filesystem::path rows() const { return folder / "rows.safetensors"; }          ///< of a table: its split
  std::filesystem::path source() const { return folder / "source.picture"; }          ///< of a picture: its file
  std::filesystem::path metrics() const { return folder / "metrics.csv"; }
  std::filesystem::path timing() const { return folder / "timing.csv"; }
  std::filesystem::path picture() const { return folder / "density.png"; }

  /// InputError if one of what a run is resumed from is there and is no file: a pipe would be waited for.
  void refuse_strange_files() const;
};

/// The rows of a table by use, as a run keeps them: D x N each, in the user's units.
struct SplitRows {
  Batch train, validation, test;
};
void write_split_rows(const std::filesystem::path& path, const SplitRows& rows);
void write_split_rows(FileWriter& file, const SplitRows& rows);
SplitRows read_split_rows(const std::filesystem::path& path);

}  // namespace cnf
