#include "datasets/cell_kind.hpp"

#include <algorithm>
#include <array>

#include "base/utf8.hpp"
#include "datasets/cell_number.hpp"

namespace cnf {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool has_digit(std::string_view text) { return std::any_of(text.begin(), text.end(), is_digit); }

/// Digits and these characters alone, with at least one of each.
bool is_digits_and(std::string_view text, std::string_view others) {
  return has_digit(text) && text.find_first_of(others) != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_digit(c) || contains(others, {&c, 1});
         });
}

bool is_unseen(std::string_view cell) {
  for (; !cell.empty(); cell.remove_prefix(utf8_length(cell))) {
    if (utf8_length(cell) == 0) return false;
    const char32_t c = utf8_decode(cell.substr(0, utf8_length(cell)));
    if ((c < ' ' && c != '\n' && c != '\t') || is_invisible(c)) return true;
  }
  return false;
}
bool is_marked(std::string_view cell) { return cell.starts_with('\'') && is_number(cell.substr(1)); }
bool is_truth(std::string_view cell) { return is_one_of(lower(cell), {"true", "false", "yes", "no"}); }
bool is_spreadsheet_error(std::string_view cell) {
  return cell.size() > 1 && cell[0] == '#' && contains("!?#", cell.substr(cell.size() - 1));
}
bool is_formula(std::string_view cell) { return cell.starts_with('='); }
bool is_percentage(std::string_view cell) {
  return has_digit(cell) && (contains(cell, "%") || contains(cell, "\xE2\x80\xB0"));
}
bool is_money(std::string_view cell) {
  if (!has_digit(cell)) return false;
  for (const char* sign :
       {"$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5", "\xE2\x82\xB9", "\xE2\x82\xBD", "EUR", "USD", "GBP", "CHF", "JPY"})
    if (contains(cell, sign)) return true;
  return false;
}
/// 12:30, 2020-01-31, 31.01.2020, 1/2/2020, 2020-01-31T12:30:00Z.
bool is_time(std::string_view cell) {
  if (!has_digit(cell)) return false;
  if (is_digits_and(cell, ":.")) return contains(cell, ":") || std::count(cell.begin(), cell.end(), '.') == 2;
  const auto parts = [&](char c) { return std::count(cell.begin(), cell.end(), c) >= 2; };
  return is_digit(cell[0]) && (parts('-') || parts('/') || (contains(cell, ":") && !contains(cell, "(")));
}
bool is_angle(std::string_view cell) {
  return has_digit(cell) && (contains(cell, "\xC2\xB0") || contains(cell, "\xC2\xBA") || cell.back() == '\'' ||
                             cell.back() == '"' || contains(cell, "\xE2\x80\xB2") || contains(cell, "\xE2\x80\xB3"));
}
bool is_hexadecimal(std::string_view cell) { return cell.size() > 2 && cell[0] == '0' && (cell[1] | 0x20) == 'x'; }
bool is_negative_in_brackets(std::string_view cell) {
  return cell.size() > 2 && cell.front() == '(' && cell.back() == ')' && is_number(cell.substr(1, cell.size() - 2));
}
bool is_minus_behind(std::string_view cell) {
  return cell.size() > 1 && (cell.back() == '-' || cell.ends_with("\xE2\x88\x92")) &&
         is_number(cell.substr(0, cell.size() - (cell.back() == '-' ? 1 : 3)));
}
bool is_list(std::string_view cell) {
  return !cell.empty() && contains("[({", cell.substr(0, 1)) && has_digit(cell) && contains("])}", {&cell.back(), 1});
}
bool is_complex(std::string_view cell) {
  return has_digit(cell) && (cell.back() == 'i' || cell.back() == 'j') &&
         is_digits_and(cell.substr(0, cell.size() - 1), "+-.eE");
}
bool is_limit(std::string_view cell) {
  return has_digit(cell) &&
         (contains("<>~", cell.substr(0, 1)) || cell.starts_with("\xE2\x89\xA4") || cell.starts_with("\xE2\x89\xA5"));
}
bool is_uncertainty(std::string_view cell) {
  return has_digit(cell) && (contains(cell, "\xC2\xB1") || contains(cell, "+/-") || contains(cell, "+-") ||
                             (cell.back() == ')' && is_digit(cell[0])));
}
bool is_fraction(std::string_view cell) { return contains(cell, "/") && is_digits_and(cell, "/ "); }
bool is_power(std::string_view cell) {
  return has_digit(cell) && contains(cell, "10") &&
         (contains(cell, "^") || contains(cell, "**") || contains(cell, "\xC3\x97") || contains(cell, "\xC2\xB7"));
}
bool is_apart(std::string_view cell) {
  std::string plain;  // with every blank as ' '
  while (!cell.empty()) {
    const std::size_t n = utf8_length(cell);
    plain += n > 0 && is_blank(utf8_decode(cell.substr(0, n))) ? ' ' : cell[0];
    cell.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return contains(plain, " ") && is_digits_and(plain, " .,-+");
}
bool is_too_narrow(std::string_view cell) {
  return cell.size() > 1 && cell.find_first_not_of('*') == std::string_view::npos;
}
bool is_range(std::string_view cell) {
  const std::size_t dash = cell.find('-', 1);
  return dash != std::string_view::npos && is_number(cell.substr(0, dash)) && is_number(cell.substr(dash + 1));
}
bool is_with_unit(std::string_view cell) {
  if (cell.empty() || !(is_digit(cell[0]) || cell[0] == '-' || cell[0] == '.')) return false;
  std::size_t end = cell.size();
  while (end > 0 && !is_digit(cell[end - 1]) && cell[end - 1] != '.') --end;
  return end < cell.size() && is_number(cell.substr(0, end));
}
bool is_commented(std::string_view cell) {
  const std::size_t mark = cell.find('#');
  return mark != std::string_view::npos && is_number(cell.substr(0, mark));
}
bool is_comma_number(std::string_view cell) { return contains(cell, ",") && is_digits_and(cell, ",.-+eE"); }
/// 1.5-301, where Fortran's exponents have three digits.
bool is_fortran(std::string_view cell) {
  const std::size_t sign = std::min(cell.find_last_of("+-"), cell.size());
  return sign > 0 && sign + 4 == cell.size() && contains(cell.substr(0, sign), ".") &&
         is_number(cell.substr(0, sign)) && is_digits_and(cell.substr(sign), "+-");
}
bool is_other_script(std::string_view cell) {
  for (; !cell.empty(); cell.remove_prefix(utf8_length(cell))) {
    if (utf8_length(cell) == 0) return false;
    const char32_t c = utf8_decode(cell.substr(0, utf8_length(cell)));
    for (const char32_t zero : {0x660, 0x6F0, 0x966, 0xFF10})
      if (c >= zero && c < zero + 10) return true;
  }
  return false;
}
bool is_not_utf8(std::string_view cell) { return !is_utf8(cell); }

struct Kind {
  bool (*is)(std::string_view cell);
  std::string_view help;
  bool droppable = false;  ///< a column of such cells is worth leaving out
};

/// The first that fits.
constexpr std::array kKinds{
    Kind{is_unseen, "characters that cannot be seen, shown here as codes: remove them"},
    Kind{is_marked, "an apostrophe, as spreadsheets mark text by: write the number alone"},
    Kind{is_too_narrow, "a number too long for its field, as Fortran marks it: write it in a wider one"},
    Kind{is_truth, "a truth value: write 1 and 0"},
    Kind{is_spreadsheet_error, "a spreadsheet's error value: mend the sheet, or --drop-invalid leaves such rows out"},
    Kind{is_formula, "a spreadsheet's formula: export values, not formulas"},
    Kind{is_percentage, "a percentage: write the number alone, without its sign"},
    Kind{is_money, "a currency: write the number alone, without its sign"},
    Kind{is_negative_in_brackets, "a negative number in brackets, as accountants write it: write -1, not (1)"},
    Kind{is_minus_behind, "a minus behind its number: write -1, not 1-"},
    Kind{is_list, "several values in brackets: write each into a column of its own"},
    Kind{is_uncertainty, "a value with its uncertainty: write each into a column of its own"},
    Kind{is_time, "a date or a time: write it as one number, say seconds since a day", true},
    Kind{is_angle, "an angle in degrees, minutes and seconds: write degrees as one number"},
    Kind{is_hexadecimal, "a hexadecimal number: write it in decimal digits", true},
    Kind{is_complex, "a complex number: write its two parts into columns of their own"},
    Kind{is_limit, "a bound, not a value: write the number alone, or --drop-invalid leaves such rows out"},
    Kind{is_fraction, "a fraction: write it as a decimal number"},
    Kind{is_power, "a power of ten written out: write 1.5e3"},
    Kind{is_fortran, "an exponent without its letter, as Fortran prints long ones: write 1.5e-301"},
    Kind{is_comma_number, "commas in a number: write decimal points, not commas, and no separators of thousands"},
    Kind{is_apart,
         "blanks between digits: write thousands without them; if they are two numbers, separate columns alike"},
    Kind{is_range, "a range: write its middle, or its ends into columns of their own"},
    Kind{is_commented, "a comment behind a number: give comments lines of their own"},
    Kind{is_with_unit, "a number with a unit or a mark: write the number alone"},
    Kind{is_other_script, "digits of another script: write 0 to 9"},
    Kind{is_not_utf8, "the text is not UTF-8: save the file as UTF-8"}};

}  // namespace

bool is_missing(std::string_view cell) {
  return cell.empty() || is_one_of(lower(cell), {"n/a", "#n/a", "null", "none", "nil", "missing", "<na>", "nat"}) ||
         is_one_of(cell, {"NA", "-", "--", "---", "?", ".", "*", "\xE2\x80\x93", "\xE2\x80\x94", "\\N"});
}

bool is_words(std::string_view cell) {
  return !is_missing(cell) && !is_number(cell) &&
         std::none_of(kKinds.begin(), kKinds.end(), [cell](const Kind& kind) { return kind.is(cell); });
}

std::string help_for_cell(std::string_view cell, const std::string& column) {
  if (is_missing(cell))
    return "a value is missing: --missing " +
           (std::all_of(cell.begin(), cell.end(), is_letter) && !cell.empty() ? std::string(cell)
                                                                              : "'" + std::string(cell) + "'") +
           " leaves out such rows and counts them";
  for (const Kind& kind : kKinds)
    if (kind.is(cell))
      return std::string(kind.help) + (kind.droppable ? "; --drop " + column + " leaves the column out" : "");
  return "text: --drop " + column + " leaves the column out, --drop-invalid such rows";
}

}  // namespace cnf
