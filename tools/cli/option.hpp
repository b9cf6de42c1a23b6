// One row of a verb's option table, and how its value is read and checked.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/number_text.hpp"
#include "base/utf8.hpp"

namespace cnf {

enum class Kind {
  flag,      ///< takes no value
  integer,   ///< a whole number of 64 bits
  real,      ///< a finite number
  text,      ///< anything, the empty text too
  integers,  ///< whole numbers separated by commas
  reals,     ///< finite numbers separated by commas
  choice,    ///< one of `choices`, some of them with a number: rk4:8
  path,      ///< a file or folder, not empty
};

/// What a number may be. Every element of a list meets it, and so does the number behind a choice's colon.
struct Range {
  std::int64_t whole_min = std::numeric_limits<std::int64_t>::min();
  std::int64_t whole_max = std::numeric_limits<std::int64_t>::max();
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  bool min_open = false, max_open = false;  ///< of the real interval; an open end does not belong to it

  static constexpr Range whole(std::int64_t min, std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
    return {.whole_min = min, .whole_max = max};
  }
  static constexpr Range closed(double min, double max) { return {.min = min, .max = max}; }
  static constexpr Range open(double min, double max) {
    return {.min = min, .max = max, .min_open = true, .max_open = true};
  }
  static constexpr Range above(double min) { return {.min = min, .min_open = true}; }
  static constexpr Range at_least(double min) { return {.min = min}; }

  constexpr bool holds(std::int64_t x) const { return whole_min <= x && x <= whole_max; }
  constexpr bool holds(double x) const {  // false for a NaN, and for an infinity under any range
    return x - x == 0 && (min_open ? x > min : x >= min) && (max_open ? x < max : x <= max);
  }
};

/// An option, or a positional argument (whose name is only how the program's code asks for it).
struct Option {
  std::string name{};   ///< "steps" for --steps: two or more of a-z, A-Z, 0-9 and -
  char letter = 0;      ///< 'N' for -N; 0: none
  std::string value{};  ///< what --help calls the value, "FILE"; empty for a flag
  Kind kind = Kind::flag;
  /// Of a text: may be given again, and its values are joined by commas. Of the last positional argument, a path:
  /// min_count to max_count of them, each for itself.
  bool repeats = false;
  std::string initial{};  ///< the default, as it would be typed; empty: none
  Range range{};
  std::size_t min_count = 1, max_count = 64;  ///< the length of a list
  /// "exact"; "rk4:N" needs a number; "hutchinson[:K]" may have one. Of a path: names that are no files.
  std::vector<std::string> choices{};
  std::vector<std::string> notes{};  ///< of each choice what it is, or none: said by an unknown one, listed in --help
  std::string for_number{};          ///< of a choice: the option that means a number typed here
  std::string help{};
  std::string group{};  ///< the heading it stands under in --help; empty: "Options"
  bool required = false;
  /// Of a text: throws UsageError for one that cannot be, without the option's name, which read_value puts before it.
  std::function<void(const std::string&)> check{};
};

/// What was typed, or the default, read.
struct Value {
  std::string text{};                    ///< as typed; of a choice the part before the colon
  std::vector<std::string> texts{};      ///< of a path that repeats: each as typed, `text` being the first
  std::vector<std::int64_t> integers{};  ///< one if integer; the number behind a choice's colon, if it has one
  std::vector<double> reals{};
  bool given = false;  ///< typed by the user
  bool set = false;    ///< typed, or has a default
};

/// Reads the whole of `text`, whatever the locale, as the option's kind, and checks its range.
/// `shown` is how messages call the option: "--steps" or "MODEL".
/// Throws UsageError: "--steps: -5 is out of range, expected a whole number from 1 to 1000000000".
Value read_value(const Option& option, std::string_view shown, const std::string& text);

/// "a whole number from 1 to 100", "4 numbers above 0, separated by commas", "one of float, double".
std::string expected(const Option& option);

/// The names in `choices` without what follows the colon.
std::vector<std::string> choice_names(const Option& option);

/// 'text', on one line, cut after 60 characters.
std::string in_quotes(std::string_view text);

}  // namespace cnf
