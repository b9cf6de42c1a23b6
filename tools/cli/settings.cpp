// Both formats become KeptValues, text with a place, and only `args_from` knows options: a number in JSON, in TOML and
// on the command line is read and refused by the one `read_value`.
#include "tools/cli/settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/suggest.hpp"

// toml++ asserts (or under clang and NDEBUG lets the compiler assume) what it goes on to check: a text that is no TOML,
// "[:", would be a fault of the program.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace cnf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLargestFile = 1 << 20;

Json json_of(const Option& option, const Args& args) {
  const Value& value = args.value(option.name);
  switch (option.kind) {
    case Kind::flag:
      return value.set;
    case Kind::integer:
      return value.integers[0];
    case Kind::real:
      return value.reals[0];
    case Kind::integers:
      return value.integers;
    case Kind::reals:
      return value.reals;
    case Kind::choice:
      return args.choice(option.name).spelled();
    case Kind::text:
    case Kind::path:
      break;
  }
  return value.text;
}

[[noreturn]] void refuse_kind(const std::string& place, const std::string& name, const std::string& got) {
  throw InputError(place + ": " + name + " is " + got +
                   ", expected a number, a text, true or false, or a list of them");
}

std::string text_of(const Json& value, const std::string& place, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (value.is_number_float()) return shortest(value.get<double>());
  if (!value.is_array()) refuse_kind(place, name, value.is_null() ? "null" : "an object");
  std::string text;
  const char* between = "";
  for (const Json& element : value) {
    if (element.is_array()) refuse_kind(place, name, "a list of lists");
    text += std::exchange(between, ",") + text_of(element, place, name);
  }
  return text;
}

std::string text_of(const toml::node& value, const std::string& place, const std::string& name) {
  if (const auto* text = value.as_string()) return text->get();
  if (const auto* flag = value.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* whole = value.as_integer()) return std::to_string(whole->get());
  if (const auto* real = value.as_floating_point()) return shortest(real->get());
  const auto* list = value.as_array();
  if (list == nullptr) refuse_kind(place, name, value.is_table() ? "a heading or a table" : "a date or a time");
  std::string text;
  const char* between = "";
  for (const toml::node& element : *list) {
    if (element.is_array()) refuse_kind(place, name, "a list of lists");
    text += std::exchange(between, ",") + text_of(element, place, name);
  }
  return text;
}

/// The whole of a small file or pipe.
std::string small_file(const std::filesystem::path& path) {
  ByteSource file(path);
  const std::vector<std::byte> bytes = file.read_up_to(kLargestFile + 1);
  if (bytes.size() > kLargestFile)
    throw InputError(file.name() + ": larger than a megabyte, expected a recipe in TOML: lines like lr = 0.02");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A value whose name the table has not: what may be done about it.
[[noreturn]] void refuse_name(const Args& said, std::span<const Option> table, const KeptValue& kept) {
  const std::string shown = one_line(kept.name);
  if (said.knows(kept.name))
    throw InputError(kept.place + ": " + shown + " says nothing about the result and does not belong into a recipe",
                     "give it on the command line: --" + shown);
  std::vector<std::string> names;
  for (const Option& option : table) names.push_back(option.name);
  std::string dashed = kept.name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  throw InputError(kept.place + ": " + in_quotes(kept.name) + " is not a setting of cnf " + said.verb(),
                   did_you_mean(dashed, names));
}

}  // namespace

std::string settings_json(const Args& args, std::span<const Option> table) {
  Json json = Json::object();
  for (const Option& option : table)
    if (option.kind == Kind::flag || args.has(option.name)) json[option.name] = json_of(option, args);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<KeptValue> values_from_json(const std::string& text, const std::string& path) {
  const std::string place = path + ": its recipe";
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw InputError(place + " is not a JSON object");
  std::vector<KeptValue> kept;
  for (const auto& member : json.items())
    kept.push_back({member.key(), text_of(member.value(), place, one_line(member.key())), place});
  return kept;
}

std::vector<KeptValue> values_from_toml(const std::filesystem::path& path) {
  const std::string file = one_line(path.string());
  const auto at_line = [&](const toml::source_region& region) {
    return file + ":" + std::to_string(region.begin.line);
  };
  std::vector<KeptValue> kept;
  try {
    const toml::table lines = toml::parse(small_file(path));
    for (const auto& entry : lines) {
      const std::string name(entry.first.str()), place = at_line(entry.first.source());
      kept.push_back({name, text_of(entry.second, place, one_line(name)), place});
    }
  } catch (const toml::parse_error& error) {
    throw InputError(at_line(error.source()) + ": no TOML: " + one_line(error.description()),
                     "a recipe has lines like: lr = 0.02");
  }
  return kept;
}

Args args_from(Args said, std::span<const Option> table, std::span<const KeptValue> kept) {
  for (const KeptValue& value : kept) {
    const auto option =
        std::find_if(table.begin(), table.end(), [&](const Option& row) { return row.name == value.name; });
    if (option == table.end()) refuse_name(said, table, value);
    if (said.given(value.name)) continue;
    try {
      said.set(*option, value.place + ": " + value.name, value.text);
    } catch (const UsageError& error) {
      throw InputError(error.what(), error.help());
    }
  }
  return said;
}

const Option& find_option(std::span<const Option> table, std::string_view name) {
  const auto option = std::find_if(table.begin(), table.end(), [&](const Option& row) { return row.name == name; });
  if (option == table.end()) throw std::invalid_argument("the table has no option " + std::string(name));
  return *option;
}

}  // namespace cnf
