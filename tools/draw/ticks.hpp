// Round numbers along an axis, and how they are written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cnf {

/// The distance between two ticks: mantissa 10^exponent, mantissa 1, 2 or 5.
struct TickStep {
  int mantissa = 1, exponent = 0;
  double value() const;
  TickStep coarser() const;  ///< the next of the sequence 1, 2, 5, 10, ...
  bool operator==(const TickStep&) const = default;
};

/// The finest step that is at least `least` > 0.
TickStep tick_step(double least);

/// Ticks and their labels. A label stands for offset + factor * (the number written): `note` says so, such as
/// "×10⁻³" or "×10⁶ +2×10⁹"; empty if the labels are the numbers themselves.
struct Ticks {
  std::vector<double> at;
  std::vector<std::string> text;
  std::string note;
  std::vector<double> minor;  ///< unlabelled ticks between (log scale only)
};

/// Every multiple of `step` in [low, high], labels computed in whole numbers of the step, so that no digit is noise;
/// all labels have the same number of decimals and at most five digits. Throws std::invalid_argument unless
/// low < high are finite and differ by more than 1e-9 of the larger.
Ticks linear_ticks(double low, double high, TickStep step);

/// Ticks of a logarithmic scale, 0 < low < high: powers of ten, every k-th if there are more than `most` (k as small as
/// possible; then no minor ticks), with 2 .. 9 times each as minor ticks; below two labelled decades 1, 2 and 5 times
/// each are labelled, and if even those are fewer than two, linear_ticks. `most` >= 2.
Ticks log_ticks(double low, double high, int most);

/// Ticks of a scale on which a value's place in [0, 1] is any rising function, 0 <= low < high: from the top as close
/// as 1/most of the scale 1, 2 and 5 times powers of ten, the powers alone if they go far down, and zero; linear_ticks
/// if those are fewer than three.
Ticks spread_ticks(double low, double high, int most, const std::function<double(double)>& place);

/// 10^exponent as text: "10⁻³".
std::string power_of_ten(int exponent);

}  // namespace cnf
