#include "datasets/row_filter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "datasets/rows.hpp"

namespace cnf {
namespace {

using Order = RowCondition::Order;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// As a table says it: the longer signs first.
constexpr std::pair<std::string_view, Order> kSigns[] = {
    {"!=", Order::unequal}, {"<=", Order::at_most}, {">=", Order::at_least}, {"==", Order::equal},
    {"=", Order::equal},    {"<", Order::less},     {">", Order::greater}};

std::string_view trim(std::string_view s) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

std::optional<double> number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Whether `value`, held in so many bytes, is the number that was written: NaN is NaN, and -999.9 in a float is not
/// -999.9 in a double.
bool is(double value, double written, std::size_t float_bytes) {
  if (value == written || (std::isnan(value) && std::isnan(written))) return true;
  if (float_bytes == 4)
    return std::abs(written) <= double{std::numeric_limits<float>::max()} &&
           value == double{static_cast<float>(written)};
  return float_bytes == 2 && std::abs(value - written) <= 0x1p-11 * std::abs(written);
}

bool is_any(const std::vector<double>& written, double value, std::size_t float_bytes) {
  return std::any_of(written.begin(), written.end(), [&](double one) { return is(value, one, float_bytes); });
}

/// A range "0:5", "0:" or ":5".
std::optional<std::pair<double, double>> range(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() == 1) return std::nullopt;
  const auto low = colon == 0 ? -kInfinity : number(trim(text.substr(0, colon)));
  const auto high = colon + 1 == text.size() ? kInfinity : number(trim(text.substr(colon + 1)));
  if (!low || !high) return std::nullopt;
  return std::pair{*low, *high};
}

}  // namespace

bool RowCondition::fixes_value() const {
  return order == Order::equal && values.size() == 1 && !range(values[0]).has_value();
}

std::vector<RowCondition> parse_conditions(std::string_view text) {
  std::vector<RowCondition> conditions;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = trim(text.substr(begin, end - begin));
    begin = end + 1;
    const std::size_t sign = part.find_first_of("=!<>");
    const auto found = std::find_if(std::begin(kSigns), std::end(kSigns), [&](const auto& one) {
      return sign != std::string_view::npos && part.substr(sign).starts_with(one.first);
    });
    if (found != std::end(kSigns)) {
      const std::string_view column = trim(part.substr(0, sign));
      if (column.empty()) throw std::invalid_argument("'" + printable(part, 60) + "' names no column");
      RowCondition condition{std::string(column), found->second, {}, std::string(part)};
      condition.values.emplace_back(trim(part.substr(sign + found->first.size())));
      conditions.push_back(std::move(condition));
    } else if (sign == std::string_view::npos && !conditions.empty()) {
      conditions.back().values.emplace_back(part);
      conditions.back().text.append(",").append(part);
    } else {
      throw std::invalid_argument("'" + printable(part, 60) + "' has none of = != < <= > >=");
    }
  }
  for (const RowCondition& condition : conditions) {
    if (condition.order == Order::equal || condition.order == Order::unequal) continue;
    if (condition.values.size() != 1 || !number(condition.values[0]))
      throw std::invalid_argument("'" + printable(condition.text, 60) + "' compares with what is not one number");
  }
  return conditions;
}

RowFilter::RowFilter(const std::string& source, const std::vector<std::string>& names, const RowOptions& options)
    : has_missing_(!options.missing.empty()) {
  for (const std::string& value : options.missing) {
    words_.emplace_back(trim(value));
    if (const auto read = number(words_.back()))
      numbers_.push_back(*read);
    else
      any_word_ = true;
  }
  for (const RowCondition& condition : options.where) {
    Test test{
        static_cast<std::size_t>(find_column(source, names, condition.column)), condition.order, {}, condition.text};
    test.needs_number = !test.by_value();
    for (const std::string& value : condition.values) {
      Wanted wanted{.text = value};
      if (const auto read = number(value))
        wanted.is_number = true, wanted.low = *read;
      else if (const auto both = range(value))
        wanted.is_range = test.needs_number = true, std::tie(wanted.low, wanted.high) = *both;
      test.values.push_back(std::move(wanted));
    }
    tests_.push_back(std::move(test));
  }
}

std::vector<std::size_t> RowFilter::columns() const {
  std::vector<std::size_t> columns;
  for (const Test& test : tests_) columns.push_back(test.column);
  return columns;
}

void RowFilter::expect_numbers(const std::string& source) const {
  for (const Test& test : tests_)
    for (const Wanted& wanted : test.values)
      if (!wanted.is_number && !wanted.is_range)
        throw InputError(source + ": '" + printable(test.text, 60) + "' compares with '" + printable(wanted.text, 60) +
                         "', an array holds numbers");
}

bool RowFilter::is_missing(std::string_view cell) const {
  return std::find(words_.begin(), words_.end(), cell) != words_.end();
}

bool RowFilter::is_missing(double value) const { return is_any(numbers_, value, 8); }

bool RowFilter::is_missing_in_array(double value, std::size_t bytes) const {
  return (any_word_ && std::isnan(value)) || is_any(numbers_, value, bytes);
}

bool RowFilter::Wanted::matches(double value, std::size_t bytes) const {
  if (is_number) return is(value, low, bytes);
  return is_range && ((value >= low && value <= high) || is(value, low, bytes) || is(value, high, bytes));
}

bool RowFilter::Test::holds(double value, std::size_t bytes) const {
  const bool any =
      std::any_of(values.begin(), values.end(), [&](const Wanted& wanted) { return wanted.matches(value, bytes); });
  switch (order) {
    case Order::equal:
      return any;
    case Order::unequal:
      return !any;
    case Order::less:
      return value < values[0].low && !any;
    case Order::at_most:
      return value < values[0].low || any;
    case Order::greater:
      return value > values[0].low && !any;
    case Order::at_least:
      return value > values[0].low || any;
  }
  return false;
}

RowFilter::Verdict RowFilter::judge(std::span<const std::string_view> cells, const ReadNumber& read) const {
  for (const Test& test : tests_) {
    const std::string_view cell = cells[test.column];
    double value = 0;
    const bool is_number = read(test.column, value);
    if (is_missing(cell) || (is_number && is_missing(value))) return {.fate = Fate::missing};
    bool fulfilled = false;
    if (test.by_value() &&
        std::any_of(test.values.begin(), test.values.end(), [&](const Wanted& wanted) { return wanted.text == cell; }))
      fulfilled = test.order == Order::equal;
    else if (is_number)
      fulfilled = test.holds(value, 8);
    else if (test.needs_number)
      return {Fate::invalid, test.column, test.text};
    else
      fulfilled = test.order == Order::unequal;
    if (!fulfilled) return {.fate = Fate::unwanted};
  }
  return {};
}

Fate RowFilter::judge_in_array(const double* row, std::size_t bytes) const {
  for (const Test& test : tests_) {
    if (is_missing_in_array(row[test.column], bytes)) return Fate::missing;
    if (!test.holds(row[test.column], bytes)) return Fate::unwanted;
  }
  return Fate::taken;
}

}  // namespace cnf
