#include "tools/cli/option.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tools/cli/exit_code.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {
namespace {

enum class Read { ok, not_a_number, too_large, too_small };

/// The whole text, or nothing: std::from_chars knows no locale, no blanks, no hexadecimal prefix.
template <class T>
Read read_number(std::string_view text, T& x) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, x);
  if (result.ec == std::errc::invalid_argument || result.ptr != end) return Read::not_a_number;
  if (result.ec == std::errc()) return Read::ok;
  // An exponent below zero means underflow: a number too large has none or a positive one, in any text a person types.
  return text.find("e-") != text.npos || text.find("E-") != text.npos ? Read::too_small : Read::too_large;
}

std::string whole_interval(const Range& range) {
  const bool has_min = range.whole_min != std::numeric_limits<std::int64_t>::min();
  const bool has_max = range.whole_max != std::numeric_limits<std::int64_t>::max();
  if (has_min && has_max) return " from " + std::to_string(range.whole_min) + " to " + std::to_string(range.whole_max);
  if (has_min) return " of at least " + std::to_string(range.whole_min);
  if (has_max) return " of at most " + std::to_string(range.whole_max);
  return {};
}

std::string real_interval(const Range& range) {
  const bool has_min = std::isfinite(range.min), has_max = std::isfinite(range.max);
  if (has_min && has_max && !range.min_open && !range.max_open) {
    return " from " + shortest(range.min) + " to " + shortest(range.max);
  }
  std::string text;
  if (has_min) text += (range.min_open ? " above " : " of at least ") + shortest(range.min);
  if (has_min && has_max) text += " and";
  if (has_max) text += (range.max_open ? " below " : " of at most ") + shortest(range.max);
  return text;
}

/// "rk4:N" is rk4 with a number, "hutchinson[:K]" hutchinson with or without one.
struct ChoiceForm {
  std::string name;
  bool number_allowed, number_needed;
};

ChoiceForm choice_form(const std::string& choice) {
  const auto end = choice.find_first_of("[:");
  return {choice.substr(0, end), end != choice.npos, end != choice.npos && choice[end] == ':'};
}

[[noreturn]] void refuse(const Option& option, std::string_view shown, const std::string& trouble,
                         std::string help = {}) {
  throw UsageError(std::string(shown) + ": " + trouble + ", expected " + expected(option), std::move(help));
}

/// Every character could stand in a number, so it is shown bare: -5, 1e400.
std::string shown_number(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  const bool bare =
      !text.empty() && text.size() <= kLongest && text.find_first_not_of("+-.0123456789eEinfatyINFATY") == text.npos;
  return bare ? std::string(text) : in_quotes(text);
}

std::int64_t read_integer(const Option& option, std::string_view shown, std::string_view text) {
  std::int64_t x = 0;
  switch (read_number(text, x)) {
    case Read::ok:
      break;
    case Read::not_a_number: {
      double real = 0;
      std::string help;
      // 1e6 is a whole number to a person: say how to write it.
      const bool whole = read_number(text, real) == Read::ok && std::abs(real) < 1e15 && real == std::floor(real);
      if (whole && option.range.holds(static_cast<std::int64_t>(real))) {
        help = "write " + std::to_string(static_cast<std::int64_t>(real));
      }
      refuse(option, shown, shown_number(text) + " is not a whole number", help);
    }
    default:
      refuse(option, shown, shown_number(text) + " is out of range");
  }
  if (!option.range.holds(x)) refuse(option, shown, std::string(text) + " is out of range");
  return x;
}

double read_real(const Option& option, std::string_view shown, std::string_view text) {
  double x = 0;
  switch (read_number(text, x)) {
    case Read::ok:
      break;
    case Read::not_a_number: {
      std::string point(text), help;
      const bool comma = std::count(point.begin(), point.end(), ',') == 1;
      if (comma) point[point.find(',')] = '.';
      if (comma && read_number(std::string_view(point), x) == Read::ok) help = "write " + point;
      refuse(option, shown, shown_number(text) + " is not a number", help);
    }
    case Read::too_large:
      refuse(option, shown, shown_number(text) + " is too large for a number of 64 bits");
    case Read::too_small:
      refuse(option, shown, shown_number(text) + " is too small for a number of 64 bits");
  }
  if (!std::isfinite(x)) refuse(option, shown, shown_number(text) + " is not a finite number");
  if (!option.range.holds(x)) refuse(option, shown, shown_number(text) + " is out of range");
  return x;
}

template <class T, class F>
std::vector<T> read_list(const Option& option, std::string_view shown, std::string_view text, const F& read_element) {
  std::vector<T> values;
  const std::size_t count = static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1;
  if (text.empty()) refuse(option, shown, "the list is empty");
  for (std::size_t begin = 0;;) {
    const std::size_t comma = text.find(',', begin);
    const std::string_view element = text.substr(begin, comma - begin);
    if (element.empty()) {
      refuse(option, shown, "the list " + in_quotes(text) + " has an empty place",
             "write 1,2,3: no blanks, no last comma");
    }
    values.push_back(read_element(element));
    if (values.size() > option.max_count || comma == text.npos) break;
    begin = comma + 1;
  }
  if (count < option.min_count || count > option.max_count) {
    refuse(option, shown, "the list has " + std::to_string(count) + (count == 1 ? " number" : " numbers"));
  }
  return values;
}

Value read_choice(const Option& option, std::string_view shown, const std::string& text) {
  const auto colon = text.find(':');
  const std::string name = text.substr(0, colon);
  for (const std::string& choice : option.choices) {
    const ChoiceForm form = choice_form(choice);
    if (form.name != name) continue;
    Value value{.text = name};
    if (colon == text.npos) {
      if (form.number_needed) {
        throw UsageError(std::string(shown) + ": " + name + " needs a number behind a colon",
                         "write " + name + ":" + std::to_string(std::max<std::int64_t>(option.range.whole_min, 8)));
      }
      return value;
    }
    if (!form.number_allowed) {
      throw UsageError(std::string(shown) + ": " + name + " takes no number, got " + in_quotes(text), "write " + name);
    }
    const Option number{.kind = Kind::integer, .range = option.range};
    value.integers = {read_integer(number, std::string(shown) + ": " + name, std::string_view(text).substr(colon + 1))};
    return value;
  }
  double number = 0;
  const bool meant = !option.for_number.empty() && read_number(std::string_view(text), number) == Read::ok;
  refuse(option, shown, in_quotes(text) + " is not known",
         meant ? "did you mean --" + option.for_number + " " + text + "?" : did_you_mean(name, choice_names(option)));
}

}  // namespace

Value read_value(const Option& option, std::string_view shown, const std::string& text) {
  Value value{.text = text};
  switch (option.kind) {
    case Kind::flag:
      break;
    case Kind::integer:
      value.integers = {read_integer(option, shown, text)};
      break;
    case Kind::real:
      value.reals = {read_real(option, shown, text)};
      break;
    case Kind::text:
      try {
        if (option.check) option.check(text);
      } catch (const UsageError& error) {
        throw UsageError(std::string(shown) + ": " + error.what(), error.help());
      }
      break;
    case Kind::integers: {
      const Option element{.kind = Kind::integer, .range = option.range};
      value.integers = read_list<std::int64_t>(option, shown, text,
                                               [&](std::string_view x) { return read_integer(element, shown, x); });
      break;
    }
    case Kind::reals: {
      const Option element{.kind = Kind::real, .range = option.range};
      value.reals =
          read_list<double>(option, shown, text, [&](std::string_view x) { return read_real(element, shown, x); });
      break;
    }
    case Kind::choice:
      value = read_choice(option, shown, text);
      break;
    case Kind::path:
      if (text.empty()) refuse(option, shown, "the name is empty");
      break;
  }
  value.set = true;
  return value;
}

std::string expected(const Option& option) {
  const auto list = [&](const std::string& interval, const std::string& noun) {
    std::string count;
    if (option.min_count == option.max_count) {
      count = std::to_string(option.min_count) + " ";
    } else if (option.min_count > 1 || option.max_count < 64) {
      count = std::to_string(option.min_count) + " to " + std::to_string(option.max_count) + " ";
    }
    return count + noun + interval + ", separated by commas";
  };
  switch (option.kind) {
    case Kind::flag:
      return "no value";
    case Kind::integer:
      return "a whole number" + whole_interval(option.range);
    case Kind::real:
      return "a number" + real_interval(option.range);
    case Kind::text:
      return "a text";
    case Kind::integers:
      return list(whole_interval(option.range), "whole numbers");
    case Kind::reals:
      return list(real_interval(option.range), "numbers");
    case Kind::choice: {
      std::string text = option.choices.size() == 1 ? "" : "one of ";
      for (std::size_t i = 0; i < option.choices.size(); ++i) {
        text += (i == 0 ? "" : ", ") + option.choices[i];
        if (i < option.notes.size()) text += " (" + option.notes[i] + ")";
      }
      return text;
    }
    case Kind::path:
      return "a file or folder";
  }
  return {};
}

std::vector<std::string> choice_names(const Option& option) {
  std::vector<std::string> names;
  for (const std::string& choice : option.choices) names.push_back(choice_form(choice).name);
  return names;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return "'" + one_line(text) + "'";
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;  // not inside a character
  return "'" + one_line(text.substr(0, end)) + "...'";
}

}  // namespace cnf
