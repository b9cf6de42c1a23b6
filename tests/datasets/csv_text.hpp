// A table from a text in memory.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "datasets/csv.hpp"
#include "datasets/table.hpp"

namespace cnf {

inline Table table_of(std::string_view text, const RowOptions& options = {}, char separator = 0) {
  return read_table(*read_csv(ByteSource(std::as_bytes(std::span(text)), "data.csv"), "data.csv", options, separator));
}

inline std::string message_of(std::string_view text, const RowOptions& options = {}) {
  try {
    table_of(text, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

inline std::string help_of(std::string_view text, const RowOptions& options = {}) {
  try {
    table_of(text, options);
  } catch (const InputError& error) {
    return error.help();
  }
  return "no error";
}

/// All notes, one a line.
inline std::string notes_of(std::string_view text, const RowOptions& options = {}) {
  std::string all;
  for (const RowNote& note : table_of(text, options).notes) all += (note.warning ? "warning: " : "") + note.text + "\n";
  return all;
}

inline Batch matrix(std::initializer_list<std::initializer_list<double>> rows) {
  return Matrix<double>(rows).transpose();
}

}  // namespace cnf
