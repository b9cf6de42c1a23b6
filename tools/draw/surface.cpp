#include "tools/draw/surface.hpp"

#include <algorithm>

namespace cnf {

bool intersects(const Rect& a, const Rect& b) {
  return a.w > 0 && a.h > 0 && b.w > 0 && b.h > 0 && a.x < b.right() && b.x < a.right() && a.y < b.bottom() &&
         b.y < a.bottom();
}

bool contains(const Rect& outer, const Rect& inner) {
  return inner.x >= outer.x && inner.y >= outer.y && inner.right() <= outer.right() && inner.bottom() <= outer.bottom();
}

Rect intersection(const Rect& a, const Rect& b) {
  if (!intersects(a, b)) return {};
  const int x = std::max(a.x, b.x), y = std::max(a.y, b.y);
  return {x, y, std::min(a.right(), b.right()) - x, std::min(a.bottom(), b.bottom()) - y};
}

void Surface::frame(const Rect& inner, int line, Rgb colour) {
  fill({inner.x - line, inner.y - line, inner.w + 2 * line, line}, colour);
  fill({inner.x - line, inner.bottom(), inner.w + 2 * line, line}, colour);
  fill({inner.x - line, inner.y, line, inner.h}, colour);
  fill({inner.right(), inner.y, line, inner.h}, colour);
}

}  // namespace cnf
