// A rectangle of the plane.
#pragma once

namespace cnf {

/// Where a density is drawn and looked at.
struct Box {
  double x0 = -4, x1 = 4, y0 = -4, y1 = 4;
};

}  // namespace cnf
