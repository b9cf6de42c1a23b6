#include "tools/verbs/flow/units.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/utf8.hpp"

namespace cnf {
namespace {

constexpr std::string_view kUnits[] = {
    "deg", "degree",  "degrees", "rad",  "m",   "meter", "meters", "metre", "metres", "km",    "cm",     "mm",
    "um",  "nm",      "ft",      "feet", "in",  "inch",  "mi",     "miles", "px",     "pixel", "pixels", "s",
    "sec", "seconds", "ms",      "us",   "min", "h",     "hours",  "days",  "years",  "kpc",   "pc",     "au",
    "ev",  "kev",     "mev",     "gev",  "tev", "k",     "c",      "pct",   "percent"};
using Pair = std::pair<std::string_view, std::string_view>;
constexpr std::array kPairs{
    Pair{"lon", "lat"},      Pair{"lng", "lat"},          Pair{"long", "lat"},   Pair{"longitude", "latitude"},
    Pair{"x", "y"},          Pair{"easting", "northing"}, Pair{"east", "north"}, Pair{"ra", "dec"},
    Pair{"xcoord", "ycoord"}};

/// A name as its parts: "Lon (deg)" and "lon_deg" are lon and deg.
struct Parts {
  std::string name, unit;
  bool bracketed = false;
};

Parts parts(std::string text) {
  const auto trimmed = [](std::string_view s) {
    while (!s.empty() && (s.back() == ' ' || s.back() == '_')) s.remove_suffix(1);
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    return std::string(s);
  };
  text = trimmed(lower(text));
  const char close = text.empty() ? ' ' : text.back();
  if (close == ')' || close == ']')
    if (const std::size_t open = text.rfind(close == ')' ? '(' : '['); open != text.npos)
      return {trimmed(text.substr(0, open)), trimmed(text.substr(open + 1, text.size() - open - 2)), true};
  const std::size_t bar = text.find_last_of("_ ");
  if (bar != text.npos && std::find(std::begin(kUnits), std::end(kUnits), text.substr(bar + 1)) != std::end(kUnits))
    return {trimmed(text.substr(0, bar)), text.substr(bar + 1)};
  return {text, ""};
}

/// The pair's words stand at the same place of names that are else the same.
bool paired(const std::string& a, const std::string& b, const Pair& pair) {
  const auto rest = [](std::string_view name, std::string_view word, bool at_end) -> std::string_view {
    const bool fits = at_end ? name.ends_with(word) : name.starts_with(word);
    if (!fits) return "?";
    return at_end ? name.substr(0, name.size() - word.size()) : name.substr(word.size());
  };
  for (const bool at_end : {false, true}) {
    const std::string_view one = rest(a, pair.first, at_end), other = rest(b, pair.second, at_end);
    if (one == other && one != "?") return true;
  }
  return false;
}

}  // namespace

bool same_unit(const std::string& a, const std::string& b) {
  const Parts one = parts(a), other = parts(b);
  if (one.unit != other.unit) return false;
  if (!one.unit.empty()) return true;
  return std::any_of(kPairs.begin(), kPairs.end(), [&](const Pair& pair) {
    return paired(one.name, other.name, pair) || paired(other.name, one.name, pair);
  });
}

}  // namespace cnf
