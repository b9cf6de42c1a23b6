#include "tools/draw/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tools/draw/text.hpp"

namespace cnf {
namespace {

std::uint8_t mix(std::uint8_t from, std::uint8_t to, double alpha) {
  return static_cast<std::uint8_t>(std::lround(from + (to - from) * alpha));
}

struct Bounds {
  double x0 = HUGE_VAL, y0 = HUGE_VAL, x1 = -HUGE_VAL, y1 = -HUGE_VAL;
  void add(const Point& p, double reach) {
    x0 = std::min(x0, p.x - reach), y0 = std::min(y0, p.y - reach);
    x1 = std::max(x1, p.x + reach), y1 = std::max(y1, p.y + reach);
  }
};

// The pixels a shape of these real bounds may touch, without overflow for positions far away.
Rect touched(const Bounds& b, const Rect& clip) {
  if (!std::isfinite(b.x0) || !std::isfinite(b.y0) || !std::isfinite(b.x1) || !std::isfinite(b.y1)) return {};
  const auto clamp = [](double v, int lo, int hi) { return static_cast<int>(std::clamp(v, 1.0 * lo, 1.0 * hi)); };
  const int left = clamp(std::floor(b.x0), clip.x, clip.right()), right = clamp(std::ceil(b.x1), clip.x, clip.right());
  const int top = clamp(std::floor(b.y0), clip.y, clip.bottom()),
            bottom = clamp(std::ceil(b.y1), clip.y, clip.bottom());
  return {left, top, std::max(0, right - left), std::max(0, bottom - top)};
}

}  // namespace

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

void Canvas::fill(const Rect& rect, Rgb colour, double alpha) {
  const Rect r = intersection(rect, bounds());
  for (int y = r.y; y < r.bottom(); ++y)
    for (int x = r.x; x < r.right(); ++x) alpha < 1 ? blend(x, y, colour, alpha) : set(x, y, colour);
}

void Canvas::polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) {
  constexpr int kSteps = 8;  // lines across a row of pixels, along which coverage is exact
  Bounds around;
  for (const Point& p : corners) {
    if (!std::isfinite(p.x + p.y)) return;
    around.add(p, 0);
  }
  const Rect r = touched(around, intersection(clip, bounds()));
  std::vector<double> crossings;
  std::vector<float> cover(static_cast<std::size_t>(r.w));
  for (int y = r.y; y < r.bottom(); ++y) {
    std::fill(cover.begin(), cover.end(), 0.0f);
    for (int step = 0; step < kSteps; ++step) {
      const double at = y + (step + 0.5) / kSteps;
      crossings.clear();
      for (std::size_t i = 0; i < corners.size(); ++i) {
        const Point &a = corners[i], &b = corners[(i + 1) % corners.size()];
        if ((a.y <= at) != (b.y <= at)) crossings.push_back(a.x + (at - a.y) / (b.y - a.y) * (b.x - a.x));
      }
      std::sort(crossings.begin(), crossings.end());
      for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
        const double from = std::clamp<double>(crossings[i], r.x, r.right());
        const double to = std::clamp<double>(crossings[i + 1], r.x, r.right());
        for (int x = static_cast<int>(from); x < to; ++x)
          cover[x - r.x] += static_cast<float>((std::min(to, x + 1.0) - std::max<double>(from, x)) / kSteps);
      }
    }
    for (int x = r.x; x < r.right(); ++x)
      if (cover[x - r.x] > 0) blend(x, y, colour, alpha * std::min(1.0f, cover[x - r.x]));
  }
}

void Canvas::polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) {
  const double reach = width / 2 + 1;
  const auto around = [&](std::size_t i) {
    Bounds piece;
    piece.add(path[i], reach), piece.add(path[i + 1], reach);
    return piece;
  };
  const auto drawn = [&](std::size_t i) {
    return std::isfinite(path[i].x + path[i].y + path[i + 1].x + path[i + 1].y);
  };
  Bounds all;
  for (std::size_t i = 0; i + 1 < path.size(); ++i)
    if (drawn(i)) all.add(path[i], reach), all.add(path[i + 1], reach);
  const Rect whole = touched(all, intersection(clip, bounds()));
  std::vector<float> cover(static_cast<std::size_t>(whole.w) * static_cast<std::size_t>(whole.h));
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (!drawn(i)) continue;
    const Rect r = touched(around(i), whole);
    const double x0 = path[i].x, y0 = path[i].y, dx = path[i + 1].x - x0, dy = path[i + 1].y - y0;
    const double length2 = dx * dx + dy * dy;
    for (int y = r.y; y < r.bottom(); ++y)
      for (int x = r.x; x < r.right(); ++x) {
        const double px = x + 0.5 - x0, py = y + 0.5 - y0;
        const double s = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0;
        const double distance = std::hypot(px - s * dx, py - s * dy);
        float& most = cover[static_cast<std::size_t>(y - whole.y) * whole.w + (x - whole.x)];
        most = std::max(most, static_cast<float>(std::clamp(width / 2 + 0.5 - distance, 0.0, std::min(1.0, width))));
      }
  }
  for (int y = whole.y; y < whole.bottom(); ++y)
    for (int x = whole.x; x < whole.right(); ++x) {
      const float share = cover[static_cast<std::size_t>(y - whole.y) * whole.w + (x - whole.x)];
      if (share > 0) blend(x, y, colour, alpha * share);
    }
}

void Canvas::discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) {
  Discs all(intersection(clip, bounds()));
  for (const Point& p : centres) all.add(p.x, p.y, radius, alpha);
  all.paint(*this, colour);
}

void Canvas::text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical) {
  const TextExtent e = measure(text, size);
  const int air = static_cast<int>(std::ceil(size));  // a glyph may lean out of its box, an accent stand over it
  const Rect reach{x - air, y - air, (vertical ? e.height() : e.width) + 2 * air,
                   (vertical ? e.width : e.height()) + 2 * air};
  if (intersects(reach, bounds())) draw_text(*this, x, y, text, size, colour, vertical);
}

void Canvas::image(const Rect& where, const Paint& paint) {
  if (intersects(where, bounds())) paint(*this, where);
}

Discs::Discs(const Rect& clip)
    : clip_(clip), clear_(static_cast<std::size_t>(std::max(0, clip.w)) * std::max(0, clip.h), 1.0f) {}

void Discs::add(double x, double y, double radius, double alpha) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  const Rect r = touched({x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1}, clip_);
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
