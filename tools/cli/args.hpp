// The command line of one verb, read and checked: what the verb's work asks for its options.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/verb.hpp"

namespace cnf {

/// A choice and the number behind its colon: rk4:8.
struct Choice {
  std::string name;
  std::optional<std::int64_t> number;

  std::string spelled() const { return number ? name + ":" + std::to_string(*number) : name; }  ///< as typed
};

/// The values of every option and positional argument of a verb. The getters throw std::invalid_argument if the table
/// has no such name, has it with another kind, or if it was neither given nor has a default.
class Args {
 public:
  /// Reads `words`, the command line behind the verb.
  /// Throws std::invalid_argument if the table is wrong (check_table), UsageError for the first thing that is wrong:
  /// an unknown option, an option twice, a value, an argument too many, one that is missing.
  Args(const Verb& verb, const std::vector<std::string>& words);

  bool given(std::string_view name) const;  ///< typed by the user
  bool has(std::string_view name) const;    ///< typed, or has a default
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  const std::string& text(std::string_view name) const;  ///< of a text, a path or a choice (before the colon)
  std::filesystem::path path(std::string_view name) const;
  const std::vector<std::string>& texts(std::string_view name) const;  ///< of a path that repeats
  Choice choice(std::string_view name) const;
  const std::vector<std::int64_t>& list(std::string_view name) const;  ///< of whole numbers
  const std::vector<double>& reals(std::string_view name) const;

  /// What was read, whatever its kind; not set if it was neither given nor has a default.
  const Value& value(std::string_view name) const { return entry(name).value; }
  bool knows(std::string_view name) const { return entries_.find(name) != entries_.end(); }
  /// Reads `text` in the place of what was typed; of a flag "true" or "false". `shown` names the option in messages.
  /// Throws UsageError like the command line.
  void set(const Option& option, const std::string& shown, const std::string& text);

  const std::string& verb() const { return verb_; }

 private:
  struct Entry {
    Kind kind;
    Value value;
  };
  const Entry& entry(std::string_view name) const;
  const Value& value(std::string_view name, std::initializer_list<Kind> kinds) const;

  std::string verb_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace cnf
