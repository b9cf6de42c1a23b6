#include "datasets/sentinels.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "base/number_text.hpp"

namespace cnf {
namespace {

/// The two least values of a column that differ, and the greatest, of `sign` times it: an end and what follows.
struct End {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double value = kInfinity, next = kInfinity, last = -kInfinity;
  Index count = 0;

  void take(double x) {
    last = std::max(last, x);
    if (x > value) {
      next = std::min(next, x);
    } else if (x == value) {
      ++count;
    } else {
      next = value;
      value = x;
      count = 1;
    }
  }
};

/// 99, -999.9, 9999: what people write where a number has to stand.
bool is_customary(double value) {
  if (value == -32768) return true;
  const std::string text = sentinel_text(std::abs(value));
  return std::count(text.begin(), text.end(), '9') >= 2 && text.find_first_not_of("9.") == std::string::npos;
}

/// Whether the end is far from the others, by their median and quartiles, or their range if they are few: of up to 4096
/// of them, evenly spaced.
bool is_far(const Eigen::Ref<const Eigen::RowVectorXd>& column, double sign, const End& end) {
  constexpr Index kLookedAt = 4096;
  constexpr std::size_t kSeveral = 20;
  const Index step = (column.size() + kLookedAt - 1) / kLookedAt;
  std::vector<double> others;
  for (Index i = 0; i < column.size(); i += step)
    if (sign * column[i] != end.value) others.push_back(sign * column[i]);
  if (others.empty()) return false;
  std::sort(others.begin(), others.end());
  const auto quantile = [&](double q) {
    return others[static_cast<std::size_t>(q * static_cast<double>(others.size() - 1))];
  };
  const double gap = end.next - end.value;
  std::vector<double> different = others;
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() < kSeveral) return gap > 2 * (end.last - end.next);
  return gap > quantile(0.5) - end.next && gap > quantile(0.75) - quantile(0.25);
}

Sentinel sentinel(Index column, double sign, const End& end) {
  const double near = sign * end.next, far = sign * end.last;
  return {column, sign * end.value + 0.0, end.count,  // no -0
          std::min(near, far), std::max(near, far)};
}

}  // namespace

std::vector<Sentinel> find_sentinels(const Eigen::Ref<const Batch>& x) {
  constexpr double kSigns[] = {1, -1};
  constexpr Index kOften = 3;
  std::vector<Sentinel> found, weak;
  std::vector<End> ends(static_cast<std::size_t>(2 * x.rows()));
  for (Index i = 0; i < x.cols(); ++i)
    for (Index j = 0; j < x.rows(); ++j) {
      ends[static_cast<std::size_t>(2 * j)].take(x(j, i));
      ends[static_cast<std::size_t>(2 * j + 1)].take(-x(j, i));
    }
  for (Index j = 0; j < x.rows(); ++j)
    for (int side = 0; side < 2; ++side) {
      const End& end = ends[static_cast<std::size_t>(2 * j + side)];
      if (!(end.next < end.last)) continue;  // one other value, or none
      const Sentinel one = sentinel(j, kSigns[side], end);
      const double gap = end.next - end.value;
      const bool customary = is_customary(one.value) && gap > 10 * (end.last - end.next);
      const bool often = end.count >= kOften && is_far(x.row(j), kSigns[side], end);
      (customary || often ? found : weak).push_back(one);
    }
  for (const Sentinel& one : weak)
    if (one.count >= kOften &&
        std::any_of(found.begin(), found.end(), [&](const Sentinel& known) { return known.value == one.value; }))
      found.push_back(one);
  std::sort(found.begin(), found.end(), [](const Sentinel& a, const Sentinel& b) { return a.column < b.column; });
  return found;
}

std::string sentinel_text(double value) {
  const auto single = static_cast<float>(value);
  if (std::abs(value) > double{std::numeric_limits<float>::max()} || double{single} != value) return shortest(value);
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, single).ptr};
}

std::vector<std::string> sentinel_lines(std::span<const Sentinel> found, const std::vector<std::string>& columns,
                                        Index rows) {
  constexpr int kShown = 4;
  std::map<double, std::vector<const Sentinel*>> by_value;
  for (const Sentinel& one : found) by_value[one.value].push_back(&one);
  std::vector<std::string> lines;
  for (const auto& [value, places] : by_value) {
    std::string line = sentinel_text(value) + " in ";
    for (std::size_t k = 0; k < places.size() && k < kShown; ++k) {
      const Sentinel& one = *places[k];
      line += (k > 0 ? ", '" : "'") + columns[static_cast<std::size_t>(one.column)] + "' (" +
              std::to_string(one.count) + " of " + std::to_string(rows) + " rows, the others from " +
              significant(one.rest_min, 4) + " to " + significant(one.rest_max, 4) + ")";
    }
    if (places.size() > kShown) line += " and " + std::to_string(places.size() - kShown) + " columns more";
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cnf
