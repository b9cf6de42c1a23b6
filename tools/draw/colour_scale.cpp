#include "tools/draw/colour_scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {
namespace {

constexpr double kSmallest = 1e-280, kLargest = 1e300;  // a scale's greatest magnitude: ticks need room to divide

bool apart(double low, double high) {
  if (std::max(std::abs(low), std::abs(high)) < kSmallest) return false;
  return high / 2 - low / 2 > 1e-9 * std::max(std::abs(low), std::abs(high));  // halves: no overflow
}

constexpr Index kKept = Index{1} << 20;  // values of a grid that the levels are taken from
constexpr int kLevels = 1024;

/// What a place is linear in, of values of one sign if it is no line.
double warped(Scaling scaling, double v) {
  if (scaling == Scaling::log) return std::log(v);
  if (scaling == Scaling::sqrt) return std::sqrt(v);
  return v / 2;  // no overflow in a difference
}

double mass_place(const std::vector<double>& levels, double v) {
  const auto above = std::lower_bound(levels.begin(), levels.end(), v);
  if (above == levels.begin()) return 0;
  if (above == levels.end()) return 1;
  const double from = *(above - 1), part = (v - from) / (*above - from);
  return (static_cast<double>(above - levels.begin()) - 1 + part) / static_cast<double>(levels.size() - 1);
}

}  // namespace

std::string_view name(Scaling scaling) {
  static constexpr std::string_view kNames[] = {"auto", "linear", "sqrt", "log", "mass"};
  return kNames[static_cast<int>(scaling)];
}

Scaling scaling(std::string_view name) {
  std::string known;
  for (const Scaling scaling : kAllScalings) {
    if (cnf::name(scaling) == name) return scaling;
    known += (known.empty() ? "" : ", ") + std::string(cnf::name(scaling));
  }
  throw std::invalid_argument("scaling: '" + std::string(name) + "' is not one of " + known);
}

double ColourScale::operator()(double v) const {
  if (std::isnan(v)) return v;
  if (v <= low) return 0;
  if (v >= high) return 1;
  if (scaling == Scaling::mass) return mass_place(levels, v);
  const double place = (warped(scaling, v) - warped(scaling, low)) / (warped(scaling, high) - warped(scaling, low));
  return scaling == Scaling::brighter ? std::max(place, mass_place(levels, v)) : place;
}

double ColourScale::value(double t) const {
  if (scaling == Scaling::log) return std::exp(std::log(low) * (1 - t) + std::log(high) * t);
  if (scaling == Scaling::sqrt) return std::pow(std::sqrt(low) * (1 - t) + std::sqrt(high) * t, 2);
  if (scaling == Scaling::linear) return low * (1 - t) + high * t;
  double from = low, to = high;
  for (int i = 0; i < 60; ++i) {  // halved until it is found: levels may repeat
    const double middle = from / 2 + to / 2;
    ((*this)(middle) < t ? from : to) = middle;
  }
  return to;
}

void ColourLimits::include(const GridValues& grid) {
  const Index every = ((grid.size() + kKept - 1) / kKept) | 1;  // odd: no row of a block again and again
  const double weight = static_cast<double>(every) / static_cast<double>(std::max(every, grid.size()));
  Index cell = 0;
  grid.for_each_block([&](Index, const Matrix<double>& block) {
    for (Index i = 0; i < block.size(); ++i, ++cell) {
      const double v = block.data()[i];
      if (!std::isfinite(v)) continue;
      least_ = any_ ? std::min(least_, v) : v;
      greatest_ = any_ ? std::max(greatest_, v) : v;
      any_ = true;
      if (v > 0) {
        least_positive_ = any_positive_ ? std::min(least_positive_, v) : v;
        any_positive_ = true;
        if (cell % every == 0) seen_.push_back({v, v * weight});
      }
    }
  });
}

std::vector<ColourLimits::Weighted> ColourLimits::by_mass() const {
  std::vector<Weighted> sorted = seen_;
  std::sort(sorted.begin(), sorted.end(), [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  double sum = 0;
  for (Weighted& one : sorted) {
    const double below = sum;
    sum += one.weight / greatest_;  // no overflow
    one.weight = below;
  }
  for (Weighted& one : sorted) one.weight /= sum;
  return sorted;
}

ColourScale ColourLimits::scale(Scaling scaling, double clip, std::optional<double> low,
                                std::optional<double> high) const {
  const bool log = scaling == Scaling::log;
  for (const std::optional<double>& end : {low, high})
    if (end && (!std::isfinite(*end) || (log && *end <= 0)))
      throw std::invalid_argument("ColourLimits: an end is " + shortest(*end) + "; expected a finite " +
                                  (log ? "positive number on a logarithmic scale" : "number"));
  const std::vector<Weighted> sorted = by_mass();
  const auto reached = [&](double mass) {  // the value below which lies less than `mass`, the next more
    const auto end =
        std::partition_point(sorted.begin(), sorted.end(), [&](const Weighted& w) { return w.weight < mass; });
    return (end == sorted.begin() ? end : end - 1)->value;
  };
  double greatest = greatest_;
  if (clip > 0 && scaling != Scaling::mass && !sorted.empty())
    if (const double level = reached(1 - clip); apart(least_, level)) greatest = level;
  ColourScale s{0, 1, scaling};
  const bool by_levels = scaling == Scaling::mass || scaling == Scaling::brighter;
  if (by_levels && sorted.empty()) s.scaling = Scaling::linear;
  if (log) {
    s.high = high.value_or(any_positive_ ? std::clamp(greatest, kSmallest, kLargest) : low ? *low * kLogSpan : 1);
    s.low = low.value_or(any_positive_ ? std::max(least_positive_, s.high / kLogSpan) : s.high / kLogSpan);
    if (!apart(s.low, s.high)) {
      if (!low) s.low = s.high / 10;
      if (!high) s.high = low ? *low * 10 : s.high * 10;
    }
  } else {
    s.high = high.value_or(any_ ? greatest : low ? *low + 1 : 1);
    s.low = low.value_or(any_ ? least_ : high ? *high - 1 : 0);
    if (!apart(s.low, s.high)) {
      const double v = std::abs(s.low) < kSmallest ? 0 : s.low, reach = v == 0 ? 1 : std::abs(v) / 2;
      constexpr double kMost = std::numeric_limits<double>::max();
      if (!low) s.low = v == 0 ? (high ? -1 : 0) : std::max(v - reach, -kMost);
      if (!high) s.high = std::min(v + reach, kMost);
    }
    if (scaling == Scaling::sqrt && !low) s.low = std::max(s.low, 0.0);
  }
  if (!apart(s.low, s.high) || (scaling == Scaling::sqrt && s.low < 0))
    throw std::invalid_argument("ColourLimits: the scale would run from " + shortest(s.low) + " to " +
                                shortest(s.high) +
                                "; the upper end must be the larger (by more than 1e-9 of it and by 1e-280)");
  s.above = any_ && greatest_ > s.high;
  if (by_levels && !sorted.empty())
    for (int i = 0; i <= kLevels; ++i) s.levels.push_back(reached(static_cast<double>(i) / kLevels));
  return s;
}

}  // namespace cnf
