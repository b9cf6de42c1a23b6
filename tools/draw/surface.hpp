// What a picture is drawn on: pixels (canvas.hpp), or a file of lines and text for print (svg.hpp, pdf.hpp).
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/box.hpp"
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

/// A real position: pixel (0, 0) covers [0, 1] x [0, 1], row 0 on top.
struct Point {
  double x = 0, y = 0;
};

class Canvas;

/// Shapes are cut off at `clip` and at the picture's edge, and what is drawn later lies above. One at a position that
/// is not finite is left out, of a polyline the pieces that touch it. Colours of weight alpha in [0, 1] are mixed in.
///
/// To add a kind of drawing, write it once against this interface (Panel::over hands one out): PNG, SVG and PDF follow.
///     surface.polyline(path, 1.2 * axes.scale, ink, 1, axes.plot);              a contour; ends where it begins
///     surface.fill(box, page, 0.8), surface.text(box.x, box.y, "90 %", 11 * axes.scale, ink);    a label on a ground
class Surface {
 public:
  Surface() = default;
  Surface(const Surface&) = delete;
  Surface& operator=(const Surface&) = delete;
  virtual ~Surface() = default;

  virtual void fill(const Rect& rect, Rgb colour, double alpha = 1) = 0;
  /// What lies inside the closed line through the corners an odd number of times.
  virtual void polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) = 0;
  /// A line `width` pixels wide with round ends and joins; where it crosses itself it is no darker.
  virtual void polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) = 0;
  /// Discs that lie over each other add up.
  virtual void discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) = 0;
  /// Into the box with its corner at (x, y) that `measure` (text.hpp) gives; `vertical` reads upwards.
  virtual void text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical = false) = 0;
  /// Pixels for `where`. `paint` is asked for them once or more: to set, of the pixels in `at`, those that lie on a
  /// canvas; `at` is `where`, or as large with its corner in (0, 0).
  using Paint = std::function<void(Canvas& canvas, const Rect& at)>;
  virtual void image(const Rect& where, const Paint& paint) = 0;

  /// A frame of `line` pixels around the outside of `inner`, which stays as it is.
  void frame(const Rect& inner, int line, Rgb colour);
};

}  // namespace cnf
