#include "tools/draw/ticks.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {
namespace {

constexpr const char* kMinus = "\u2212";
constexpr const char* kTimes = "\u00d7";

// number * 10^exponent, correctly rounded as the decimal text would be.
double decimal(std::int64_t number, int exponent) {
  char text[48];
  char* end = std::to_chars(text, text + 24, number).ptr;
  *end++ = 'e';
  end = std::to_chars(end, text + sizeof text, exponent).ptr;
  double value = 0;
  std::from_chars(text, end, value);
  return value;
}

// number * 10^exponent in plain decimals.
std::string plain(std::int64_t number, int exponent, int decimals) {
  std::string digits = std::to_string(std::llabs(number));
  if (exponent > -decimals && number != 0) digits.append(exponent + decimals, '0');
  if (static_cast<int>(digits.size()) <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  if (decimals > 0) digits.insert(digits.size() - decimals, ".");
  return (number < 0 ? kMinus : "") + digits;
}

// number * 10^exponent as a person writes it: 1500, 0.002, 2×10⁹.
std::string compact(std::int64_t number, int exponent) {
  if (number == 0) return "0";
  while (number % 10 == 0) number /= 10, ++exponent;
  const int digits = static_cast<int>(std::to_string(std::llabs(number)).size()), leading = digits + exponent - 1;
  if (leading >= -3 && leading <= 5) return plain(number, exponent, std::max(0, -exponent));
  const std::string mantissa = plain(number, 1 - digits, digits - 1);
  return (mantissa == "1" ? "" : mantissa + kTimes) + power_of_ten(leading);
}

int floor_log10(double v) {
  int e = static_cast<int>(std::floor(std::log10(v)));
  if (decimal(1, e + 1) <= v) ++e;
  if (decimal(1, e) > v) --e;
  return e;
}

}  // namespace

double TickStep::value() const { return decimal(mantissa, exponent); }

TickStep TickStep::coarser() const {
  if (mantissa == 1) return {2, exponent};
  if (mantissa == 2) return {5, exponent};
  return {1, exponent + 1};
}

TickStep tick_step(double least) {
  TickStep step{1, std::clamp(floor_log10(least), -307, 307)};
  while (step.value() < least * (1 - 1e-12)) step = step.coarser();
  return step;
}

std::string power_of_ten(int exponent) {
  static constexpr const char* kDigits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                            "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  std::string text = exponent < 0 ? "10\u207b" : "10";
  for (const char digit : std::to_string(std::abs(exponent))) text += kDigits[digit - '0'];
  return text;
}

Ticks linear_ticks(double low, double high, TickStep step) {
  const double larger = std::max(std::abs(low), std::abs(high));
  if (!std::isfinite(low) || !std::isfinite(high) || !(high / 2 - low / 2 > 5e-10 * larger))
    throw std::invalid_argument("linear_ticks: range " + shortest(low) + " to " + shortest(high) +
                                "; the ends must be finite and differ by more than 1e-9 of the larger");
  const double unit = step.value();
  if (larger / unit > 1e15) throw std::invalid_argument("linear_ticks: step far too fine for the range");
  // An end that is a tick but for rounding counts as one.
  const auto first = static_cast<std::int64_t>(std::ceil(low / unit - 1e-6));
  const auto last = static_cast<std::int64_t>(std::floor(high / unit + 1e-6));
  Ticks ticks;
  if (last < first) return ticks;

  // In units of 10^exponent: numbers = mantissa * i. Too many digits: take off a round offset.
  const std::int64_t from = first * step.mantissa, to = last * step.mantissa;
  std::int64_t offset = 0;
  if (std::max(std::llabs(from), std::llabs(to)) >= 100'000) {
    std::int64_t round = 10;
    while (round <= to - from) round *= 10;
    offset = from / round * round;
    if (offset > from) offset -= round;
  }
  const std::int64_t most = std::max(std::llabs(from - offset), std::llabs(to - offset));
  int factor = 0;  // labels are divided by 10^factor
  if (most > 0) {
    const int leading = static_cast<int>(std::to_string(most).size()) + step.exponent - 1;
    if (leading >= 5 || leading <= -3) factor = leading;
  }
  // Trailing zeros of a step such as 1000 = 10 * 10^2 stay; decimals only where the step needs them.
  const int decimals = std::max(0, factor - step.exponent);
  for (std::int64_t i = first; i <= last; ++i) {
    const std::int64_t number = i * step.mantissa;
    ticks.at.push_back(std::clamp(decimal(number, step.exponent), low, high));
    ticks.text.push_back(plain(number - offset, step.exponent - factor, decimals));
  }
  if (factor != 0) ticks.note = kTimes + power_of_ten(factor);
  if (offset != 0)
    ticks.note += (ticks.note.empty() ? "" : " ") + std::string(offset > 0 ? "+" : "") + compact(offset, step.exponent);
  return ticks;
}

Ticks log_ticks(double low, double high, int most) {
  if (!(low > 0) || !(high > low) || !std::isfinite(high))
    throw std::invalid_argument("log_ticks: range " + shortest(low) + " to " + shortest(high) +
                                "; expected 0 < low < high");
  const auto inside = [&](double v) { return v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9); };
  const int first = floor_log10(low), last = floor_log10(high * (1 + 1e-9));
  Ticks ticks;
  int decades = 0;
  for (int e = first; e <= last; ++e) decades += inside(decimal(1, e));
  const int stride = (decades + most - 1) / std::max(1, most);
  for (int e = first; e <= last; ++e)
    for (int m = 1; m <= 9; ++m) {
      const double v = decimal(m, e);
      if (!inside(v)) continue;
      const bool labelled = m == 1 ? stride <= 1 || (last - e) % stride == 0 : decades < 2 && (m == 2 || m == 5);
      if (labelled) {
        ticks.at.push_back(std::clamp(v, low, high));
        ticks.text.push_back(decades < 2 || (e >= -2 && e <= 3 && first >= -2 && last <= 3) ? compact(m, e)
                                                                                            : power_of_ten(e));
      } else if (stride <= 1) {
        ticks.minor.push_back(std::clamp(v, low, high));
      }
    }
  if (ticks.at.size() >= 2) return ticks;
  TickStep step = tick_step((high - low) / most);
  return linear_ticks(low, high, step);
}

Ticks spread_ticks(double low, double high, int most, const std::function<double(double)>& place) {
  if (!(low >= 0) || !(high > low) || !std::isfinite(high))
    throw std::invalid_argument("spread_ticks: range " + shortest(low) + " to " + shortest(high) +
                                "; expected 0 <= low < high");
  constexpr int kDecades = 40;
  const int top = floor_log10(high);
  const double zero = low < 1e-6 * high ? 1.0 / most : 0;  // room for the tick of zero
  const auto chosen = [&](std::initializer_list<int> mantissas) {
    std::vector<std::pair<int, int>> found;
    double lowest = 2;
    for (int e = top; e > top - kDecades && e > -307; --e)
      for (const int m : mantissas) {
        const double v = decimal(m, e);
        if (v < low || v > high) continue;
        const double t = place(v);
        if (t < zero || t > lowest - 1.0 / most) continue;
        found.emplace_back(m, e);
        lowest = t;
      }
    return found;
  };
  std::vector<std::pair<int, int>> found = chosen({5, 2, 1});
  const auto below = std::find_if(found.begin(), found.end(), [&](const auto& tick) { return tick.second < top - 2; });
  const bool far = below != found.end() && below - found.begin() < 3;
  if (far)
    found = chosen({1});
  else
    found.erase(below, found.end());
  if (found.size() < 2) return linear_ticks(low, high, tick_step((high - low) / most));
  const int factor = !far && (top >= 4 || found.back().second < -3) ? top : 0;
  Ticks ticks;
  if (zero > 0) ticks.at.push_back(low), ticks.text.emplace_back("0");
  for (auto i = found.rbegin(); i != found.rend(); ++i) {
    ticks.at.push_back(decimal(i->first, i->second));
    ticks.text.push_back(far ? power_of_ten(i->second) : compact(i->first, i->second - factor));
  }
  if (factor != 0) ticks.note = kTimes + power_of_ten(factor);
  return ticks;
}

}  // namespace cnf
