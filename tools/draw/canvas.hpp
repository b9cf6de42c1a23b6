// A picture being made: 8-bit RGB pixels, row 0 on top.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/draw/surface.hpp"

namespace cnf {

/// A surface of pixels; shapes are anti-aliased. A canvas may be a band of a picture, its rows from `top` on: what is
/// drawn there has the pixels of the whole.
class Canvas final : public Surface {
 public:
  static constexpr int kMaxSide = 16384;  ///< so that 3 w h stays below 2^31

  /// Throws std::invalid_argument unless 1 <= width, height <= kMaxSide and top >= 0.
  Canvas(int width, int height, Rgb ground = {255, 255, 255}, int top = 0);
  Canvas(Canvas&& other) noexcept
      : width_(other.width_), height_(other.height_), top_(other.top_), pixels_(std::move(other.pixels_)) {}

  int width() const { return width_; }
  int height() const { return height_; }  ///< rows held
  Rect bounds() const { return {0, top_, width_, height_}; }
  const std::uint8_t* data() const { return pixels_.data(); }  ///< rows of r, g, b without padding

  /// x, y must lie inside.
  Rgb at(int x, int y) const;
  void set(int x, int y, Rgb colour);
  /// Mixes `colour` in with weight alpha in [0, 1], on the stored sRGB values; outside the canvas does nothing.
  void blend(int x, int y, Rgb colour, double alpha);

  void fill(const Rect& rect, Rgb colour, double alpha = 1) override;
  void polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) override;
  void polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) override;
  void discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) override;
  void text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical = false) override;
  void image(const Rect& where, const Paint& paint) override;

 private:
  std::size_t offset(int x, int y) const { return 3 * (static_cast<std::size_t>(y - top_) * width_ + x); }

  int width_, height_, top_;
  std::vector<std::uint8_t> pixels_;
};

/// Many discs of one colour: their coverages multiply in floating point and meet the canvas once, so that 10^5 faint
/// points add up without rounding and their order does not matter beyond the last bit.
class Discs {
 public:
  /// Only pixels inside `clip` are ever touched.
  explicit Discs(const Rect& clip);
  /// Non-finite positions are ignored.
  void add(double x, double y, double radius, double alpha);
  void paint(Canvas& canvas, Rgb colour) const;

 private:
  Rect clip_;
  std::vector<float> clear_;  ///< what share of the ground still shows through, per pixel
};

/// Share of pixel [x, x+1] x [y, y+1] a disc covers, by the distance of the pixel's centre from its rim (exact for a
/// straight rim along the pixel grid, within 0.1 for radius >= 1).
double disc_coverage(double cx, double cy, double radius, int x, int y);

}  // namespace cnf
