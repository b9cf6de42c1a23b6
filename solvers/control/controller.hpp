// What an adaptive solve makes of its errors: the next step's size.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace cnf {

/// With e_n the error of step n in units of the tolerance and k the order of its estimate, an accepted step is followed
/// by one of
///
///   h_{n+1} = h_n clamp(safety e_n^(-now / k) e_{n-1}^(-before / k) e_{n-2}^(-earlier / k), shrink, grow),
///
/// no larger than h_n after a rejection; a rejected one is tried again with h_n clamp(safety e_n^(-now / k), shrink,
/// safety). In terms of gains: now = I + P + D, before = -(P + 2 D), earlier = D.
/// Source  Soederlind (2003), ACM Trans. Math. Softw. 29(1), 1-26; limits: DOPRI5's.
struct Controller {
  double now = 0.85, before = -0.2, earlier = 0;
  double safety = 0.9, shrink = 0.2, grow = 10;

  bool operator==(const Controller&) const = default;
};

/// A controller by name; further coefficients may be given behind it.
struct ControllerRow {
  std::string_view name, help;
  int coefficients;  ///< how many of now, before, earlier it has
  Controller values;
};

/// i: the textbook's. pi: Gustafsson's as in DOPRI5, beta = 0.2 / k (0.04 at k = 5; Hairer, Wanner II, sec. IV.2). pid:
/// the coefficients that SUNDIALS' ARKODE takes.
inline constexpr std::array kAllControllers{
    ControllerRow{"i", "by the last error alone", 1, {1, 0, 0}},
    ControllerRow{"pi", "by the last two errors: fewer rejected steps where stability limits them", 2, {}},
    ControllerRow{"pid", "by the last three errors: the evenest steps", 3, {0.58, -0.21, 0.1}}};

/// "pi", "i:1", "pid:0.58,-0.21,0.1": a name, or a name and as many coefficients as it has.
/// Throws std::invalid_argument naming the text and what was expected: an unknown name, another number of coefficients,
/// one that is not a number from -2 to 2, or a first that is not above 0.
Controller parse_controller(std::string_view text);

}  // namespace cnf
