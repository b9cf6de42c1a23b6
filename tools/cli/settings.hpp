// A recipe is the command line, kept: a verb's options as JSON, and back from JSON or TOML by the same table.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tools/cli/args.hpp"

namespace cnf {

/// What a file has for an option, before the option reads it.
struct KeptValue {
  std::string name;   ///< of the option, without dashes
  std::string text;   ///< as it would be typed; of a flag "true" or "false"
  std::string place;  ///< for messages: "run.toml:3"
};

/// The options of `table` that were given or have a default, as one JSON object in the table's order. Numbers are
/// numbers and read back to the same bits, lists are arrays, flags true or false, everything else is text: "rk4:8".
std::string settings_json(const Args& args, std::span<const Option> table);

/// The members of such an object. `path` names its file in messages.
/// Throws InputError for text that is no JSON object, and for a member that is null or an object.
std::vector<KeptValue> values_from_json(const std::string& json, const std::string& path);

/// The lines `name = value` of a TOML file of at most a megabyte. A value is what it would be in JSON.
/// Throws InputError with file and line for what is no TOML, and for headings, dates and tables.
std::vector<KeptValue> values_from_toml(const std::filesystem::path& path);

/// What was said, and for the options of `table` that were not, what was kept; those count as given. So the command
/// line is stronger than a file.
/// Throws InputError with place and name for a value that the option refuses, and for a name that `table` has not.
Args args_from(Args said, std::span<const Option> table, std::span<const KeptValue> kept);

/// The row of that name. Throws std::invalid_argument if there is none.
const Option& find_option(std::span<const Option> table, std::string_view name);

}  // namespace cnf
