// Private to the charts of draw: what they are drawn on, and with.
#pragma once

#include <cmath>

#include "tools/draw/canvas.hpp"

namespace cnf {

inline constexpr Rgb kPage{255, 255, 255}, kInk{28, 28, 32};
inline int rounded(double pixels) { return static_cast<int>(std::lround(pixels)); }

}  // namespace cnf
