#include "tools/draw/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {
namespace {

std::uint8_t mix(std::uint8_t from, std::uint8_t to, double alpha) {
  return static_cast<std::uint8_t>(std::lround(from + (to - from) * alpha));
}

// The pixels a shape of these real bounds may touch, without overflow for positions far away.
Rect touched(double x0, double y0, double x1, double y1, const Rect& clip) {
  if (!std::isfinite(x0 + y0 + x1 + y1)) return {};
  const auto clamp = [](double v, int lo, int hi) { return static_cast<int>(std::clamp(v, 1.0 * lo, 1.0 * hi)); };
  const int left = clamp(std::floor(x0), clip.x, clip.right()), right = clamp(std::ceil(x1), clip.x, clip.right());
  const int top = clamp(std::floor(y0), clip.y, clip.bottom()), bottom = clamp(std::ceil(y1), clip.y, clip.bottom());
  return {left, top, std::max(0, right - left), std::max(0, bottom - top)};
}

}  // namespace

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

Canvas::Canvas(int width, int height, Rgb ground, int top) : width_(width), height_(height), top_(top) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide || top < 0)
    throw std::invalid_argument("Canvas: " + std::to_string(width) + " x " + std::to_string(height) +
                                " pixels; each side must be 1 to " + std::to_string(kMaxSide));
  pixels_.resize(3 * static_cast<std::size_t>(width) * height);
  fill(bounds(), ground);
}

Rgb Canvas::at(int x, int y) const {
  const std::uint8_t* p = pixels_.data() + offset(x, y);
  return {p[0], p[1], p[2]};
}

void Canvas::set(int x, int y, Rgb colour) {
  std::uint8_t* p = pixels_.data() + offset(x, y);
  p[0] = colour.r, p[1] = colour.g, p[2] = colour.b;
}

void Canvas::blend(int x, int y, Rgb colour, double alpha) {
  if (x < 0 || y < top_ || x >= width_ || y >= top_ + height_) return;
  std::uint8_t* p = pixels_.data() + offset(x, y);
  p[0] = mix(p[0], colour.r, alpha), p[1] = mix(p[1], colour.g, alpha), p[2] = mix(p[2], colour.b, alpha);
}

void Canvas::fill(const Rect& rect, Rgb colour) {
  const Rect r = intersection(rect, bounds());
  for (int y = r.y; y < r.bottom(); ++y)
    for (int x = r.x; x < r.right(); ++x) set(x, y, colour);
}

void Canvas::frame(const Rect& inner, int line, Rgb colour) {
  fill({inner.x - line, inner.y - line, inner.w + 2 * line, line}, colour);
  fill({inner.x - line, inner.bottom(), inner.w + 2 * line, line}, colour);
  fill({inner.x - line, inner.y, line, inner.h}, colour);
  fill({inner.right(), inner.y, line, inner.h}, colour);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width, Rgb colour, double alpha) {
  const double reach = width / 2 + 1, dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
  const Rect r = touched(std::min(x0, x1) - reach, std::min(y0, y1) - reach, std::max(x0, x1) + reach,
                         std::max(y0, y1) + reach, bounds());
  for (int y = r.y; y < r.bottom(); ++y)
    for (int x = r.x; x < r.right(); ++x) {
      const double px = x + 0.5 - x0, py = y + 0.5 - y0;
      const double s = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0;
      const double distance = std::hypot(px - s * dx, py - s * dy);
      const double cover = std::clamp(width / 2 + 0.5 - distance, 0.0, std::min(1.0, width));
      if (cover > 0) blend(x, y, colour, alpha * cover);
    }
}

void Canvas::disc(double x, double y, double radius, Rgb colour, double alpha) {
  Discs one(touched(x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1, bounds()));
  one.add(x, y, radius, alpha);
  one.paint(*this, colour);
}

void Canvas::blit(const Canvas& other, int x, int y) {
  const Rect r = intersection({x, y, other.width_, other.height_}, bounds());
  for (int row = r.y; row < r.bottom(); ++row)
    std::copy_n(other.pixels_.data() + other.offset(r.x - x, row - y + other.top_), 3 * static_cast<std::size_t>(r.w),
                pixels_.data() + offset(r.x, row));
}

Discs::Discs(const Rect& clip)
    : clip_(clip), clear_(static_cast<std::size_t>(std::max(0, clip.w)) * std::max(0, clip.h), 1.0f) {}

void Discs::add(double x, double y, double radius, double alpha) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  const Rect r = touched(x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1, clip_);
  for (int row = r.y; row < r.bottom(); ++row)
    for (int column = r.x; column < r.right(); ++column)
      clear_[static_cast<std::size_t>(row - clip_.y) * clip_.w + (column - clip_.x)] *=
          static_cast<float>(1 - alpha * disc_coverage(x, y, radius, column, row));
}

void Discs::paint(Canvas& canvas, Rgb colour) const {
  for (int y = 0; y < clip_.h; ++y)
    for (int x = 0; x < clip_.w; ++x) {
      const float clear = clear_[static_cast<std::size_t>(y) * clip_.w + x];
      if (clear < 1) canvas.blend(clip_.x + x, clip_.y + y, colour, 1 - clear);
    }
}

double disc_coverage(double cx, double cy, double radius, int x, int y) {
  const double distance = std::hypot(x + 0.5 - cx, y + 0.5 - cy);
  // A disc smaller than a pixel covers no more than its own area.
  const double most = std::min(1.0, 3.14159265358979 * radius * radius);
  return std::clamp(radius + 0.5 - distance, 0.0, most);
}

}  // namespace cnf
