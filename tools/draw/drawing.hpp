// A picture that is laid out, and drawn on any surface: the heatmaps, curves and corners of this folder.
#pragma once

#include "tools/draw/canvas.hpp"

namespace cnf {

/// Its pixels are the same drawn at once or in bands, so that it may be larger than memory.
class Drawing {
 public:
  virtual ~Drawing() = default;
  virtual int width() const = 0;
  virtual int height() const = 0;
  virtual void draw(Surface& surface) const = 0;

  /// Rows y .. y + h - 1.
  Canvas band(int y, int h) const {
    Canvas canvas(width(), h, {255, 255, 255}, y);
    draw(canvas);
    return canvas;
  }
  Canvas whole() const { return band(0, height()); }
};

}  // namespace cnf
