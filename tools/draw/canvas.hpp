// A picture being made: 8-bit RGB pixels, row 0 on top.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/draw/colormap.hpp"

namespace cnf {

/// Pixels x..x+w-1, y..y+h-1; y grows downwards.
struct Rect {
  int x = 0, y = 0, w = 0, h = 0;
  int right() const { return x + w; }
  int bottom() const { return y + h; }
  bool operator==(const Rect&) const = default;
};
bool intersects(const Rect& a, const Rect& b);
bool contains(const Rect& outer, const Rect& inner);
Rect intersection(const Rect& a, const Rect& b);  ///< w = h = 0 if there is none

/// Everything drawn is clipped to the canvas, and nothing drawn at a position that is not finite. Coordinates that are
/// real numbers put pixel (0, 0) on [0, 1] x [0, 1]. A canvas may be a band of a picture, its rows from `top` on: what
/// is drawn there has the pixels of the whole.
class Canvas {
 public:
  static constexpr int kMaxSide = 16384;  ///< so that 3 w h stays below 2^31

  /// Throws std::invalid_argument unless 1 <= width, height <= kMaxSide and top >= 0.
  Canvas(int width, int height, Rgb ground = {255, 255, 255}, int top = 0);

  int width() const { return width_; }
  int height() const { return height_; }  ///< rows held
  Rect bounds() const { return {0, top_, width_, height_}; }
  const std::uint8_t* data() const { return pixels_.data(); }  ///< rows of r, g, b without padding

  /// x, y must lie inside.
  Rgb at(int x, int y) const;
  void set(int x, int y, Rgb colour);
  /// Mixes `colour` in with weight alpha in [0, 1], on the stored sRGB values; outside the canvas does nothing.
  void blend(int x, int y, Rgb colour, double alpha);

  void fill(const Rect& rect, Rgb colour);
  /// A frame of `line` pixels around the outside of `inner`, which stays as it is.
  void frame(const Rect& inner, int line, Rgb colour);
  /// Anti-aliased segment with round ends, from and to real positions.
  void line(double x0, double y0, double x1, double y1, double width, Rgb colour, double alpha = 1);
  /// Anti-aliased disc.
  void disc(double x, double y, double radius, Rgb colour, double alpha = 1);
  /// Copies `other`, whole, with its corner at (x, y).
  void blit(const Canvas& other, int x, int y);

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
