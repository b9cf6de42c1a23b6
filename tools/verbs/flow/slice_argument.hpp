// --slice COL=VALUE,...: a plane through the space of a model of many columns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flows/judge/slice.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

Option slice_option();

/// The plane that --slice names, its x the first of the two columns that are left, its y the second; none if it is not
/// given. Throws UsageError for a column that is unknown or named twice, a value that is no number, and if not two
/// columns are left.
std::optional<Slice> slice_from(const Args& args, const std::vector<std::string>& columns);

/// "F1 = 2, F3 = 0.5".
std::string slice_text(const Slice& slice, const std::vector<std::string>& columns);

/// The column of that name, or number from 1. Throws UsageError, `option` saying whose.
Index column_named(const std::string& option, const std::string& name, const std::vector<std::string>& columns);

}  // namespace cnf
