// What a cell is that is no number, and what to do about it. Private to datasets.
#pragma once

#include <string>
#include <string_view>

namespace cnf {

/// A word that stands for a missing value (NA, null, -, ...), or nothing at all.
bool is_missing(std::string_view cell);

/// Text that is of no kind with a help of its own: a word, a unit.
bool is_words(std::string_view cell);

/// One line of help for a cell that is not read as a number: the kind that it is, and what to write or ask for instead.
/// `column` is its number, or name, as --drop takes it.
std::string help_for_cell(std::string_view cell, const std::string& column);

}  // namespace cnf
