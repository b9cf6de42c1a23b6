// What kind of table a file is, by its name; and what to do with the kinds that are not read.
#pragma once

#include <filesystem>

namespace cnf {

enum class TableKind { text, tabs, npy, npz };

/// By the ending, .gz behind it or not: .csv and .txt, .tsv, .npy, .npz. InputError for any other, with how to make a
/// table or a picture of those that are known.
TableKind table_kind(const std::filesystem::path& path);

}  // namespace cnf
