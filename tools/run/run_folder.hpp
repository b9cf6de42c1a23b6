// A run's folder: what is in it.
#pragma once

#include <filesystem>
#include <string>

#include "base/file_writer.hpp"
#include "base/types.hpp"

namespace cnf {

/// The files of a run. One that is to replace another grows in a folder of its own inside, and the other stands, whole
/// and usable, until the new one has a model.
struct RunFolder {
  std::filesystem::path folder;  ///< as the user calls it
  bool replacing = false;        ///< the files are those of a run that is to replace the one that stands

  std::filesystem::path model() const { return file("model.safetensors"); }        ///< the best weights so far
  std::filesystem::path training() const { return file("training.safetensors"); }  ///< everything --resume needs
  std::filesystem::path rows() const { return file("rows.safetensors"); }          ///< of a table: its split
  std::filesystem::path start() const { return file("start.safetensors"); }        ///< of a straightened run: --init
  std::filesystem::path source() const { return file("source.picture"); }          ///< of a picture: its file
  std::filesystem::path metrics() const { return file("metrics.csv"); }
  std::filesystem::path timing() const { return file("timing.csv"); }
  std::filesystem::path picture() const { return file("density.png"); }
  std::filesystem::path evaluation() const { return file("evaluation.json"); }  ///< how it meets an accuracy

  /// Whether there is any file of a run.
  bool occupied() const;
  /// InputError if one of what a run is resumed from is there and is no file: a pipe would be waited for.
  void refuse_strange_files() const;
  /// Means the run that is to replace the one that stands, if there is one that can be resumed.
  void choose_newer();

  // What follows is for who holds the folder's lock. OutputError if the folder does not allow it.

  /// Ends a replacement that was cut off half-way.
  void settle() const;
  /// From now on `replacing`, in an empty folder. What another such run left is removed.
  void begin_replacement();
  /// The run stands in the place of the other, all its files at once: killed in between, the next `settle` ends it, and
  /// readers see the new ones already.
  void replace();
  /// The run that was to replace the other is given up. What cannot be removed, the next one to replace it removes.
  void discard_replacement() noexcept;

 private:
  std::filesystem::path file(const char* name) const;
};

/// The rows of a table by use, as a run keeps them: D x N each, in the user's units.
struct SplitRows {
  Batch train, validation, test;
};
void write_split_rows(const std::filesystem::path& path, const SplitRows& rows);
void write_split_rows(FileWriter& file, const SplitRows& rows);
SplitRows read_split_rows(const std::filesystem::path& path);

}  // namespace cnf
