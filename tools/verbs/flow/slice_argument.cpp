#include "tools/verbs/flow/slice_argument.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {
namespace {

constexpr double kFree = std::numeric_limits<double>::quiet_NaN();

std::string listed(const std::vector<std::string>& columns) {
  std::string text;
  for (std::size_t j = 0; j < columns.size() && j < 12; ++j) text += (j > 0 ? ", " : "") + columns[j];
  return columns.size() > 12 ? text + ", ..." : text;
}

/// NaN if the text is not a finite number.
double number(const std::string& text) {
  double value = kFree;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value) ? value : kFree;
}

}  // namespace

Option slice_option() {
  return {.name = "slice",
          .value = "COL=X,...",
          .kind = Kind::text,
          .help =
              "Of a model of more columns: hold all but two at these values, and draw the exact density in the plane "
              "of the two. Names, or numbers from 1.",
          .group = "Picture"};
}

Index column_named(const std::string& option, const std::string& name, const std::vector<std::string>& columns) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return found - columns.begin();
  Index place = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), place);
  if (error == std::errc() && end == name.data() + name.size() && place >= 1 && place <= std::ssize(columns))
    return place - 1;
  const std::string meant = did_you_mean(name, columns);
  throw UsageError(option + ": the model has no column " + in_quotes(name),
                   (meant.empty() ? "" : meant + " ") + "its columns are " + listed(columns));
}

std::optional<Slice> slice_from(const Args& args, const std::vector<std::string>& columns) {
  if (!args.given("slice")) return std::nullopt;
  const std::string& text = args.text("slice");
  const Index D = std::ssize(columns);
  Slice slice{0, 0, Vector<double>::Constant(D, kFree)};
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t sign = part.rfind('=');
    if (sign == std::string::npos)
      throw UsageError("--slice: " + in_quotes(part) + " is not COLUMN=VALUE",
                       "for example: --slice " + columns[0] + "=0.5");
    const Index j = column_named("--slice", part.substr(0, sign), columns);
    if (!std::isnan(slice.at[j])) throw UsageError("--slice: the column " + in_quotes(columns[j]) + " is named twice");
    slice.at[j] = number(part.substr(sign + 1));
    if (std::isnan(slice.at[j]))
      throw UsageError("--slice: " + in_quotes(part.substr(sign + 1)) + " is not a finite number, the value of " +
                       in_quotes(columns[j]));
  }
  std::vector<Index> free;
  std::vector<std::string> names;
  for (Index j = 0; j < D; ++j)
    if (std::isnan(slice.at[j])) free.push_back(j), names.push_back(columns[static_cast<std::size_t>(j)]);
  if (free.size() != 2)
    throw UsageError("--slice: " + std::to_string(D - std::ssize(free)) + " of the model's " + std::to_string(D) +
                         " columns are held, " + std::to_string(free.size()) + " left; a plane needs 2",
                     free.size() > 2 ? "hold all but two of these too: " + listed(names)
                     : D > 2         ? "leave out all but " + std::to_string(D - 2)
                                     : "without --slice, cnf density draws the whole of such a model");
  slice.x = free[0], slice.y = free[1];
  return slice;
}

std::string slice_text(const Slice& slice, const std::vector<std::string>& columns) {
  std::string text;
  for (Index j = 0; j < slice.at.size(); ++j)
    if (j != slice.x && j != slice.y)
      text += (text.empty() ? "" : ", ") + columns[static_cast<std::size_t>(j)] + " = " + significant(slice.at[j], 6);
  return text;
}

}  // namespace cnf
