#include "tools/draw/side_by_side.hpp"

#include <algorithm>
#include <utility>

namespace cnf {
namespace {

/// What is drawn on it lies `right` further on another surface.
class Moved final : public Surface {
 public:
  Moved(Surface& under, int right) : under_(under), right_(right) {}

  void fill(const Rect& rect, Rgb colour, double alpha) override { under_.fill(moved(rect), colour, alpha); }
  void polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) override {
    under_.polygon(moved(corners), colour, alpha, moved(clip));
  }
  void polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) override {
    under_.polyline(moved(path), width, colour, alpha, moved(clip));
  }
  void discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) override {
    under_.discs(moved(centres), radius, colour, alpha, moved(clip));
  }
  void text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical) override {
    under_.text(x + right_, y, text, size, colour, vertical);
  }
  void image(const Rect& where, const Paint& paint) override { under_.image(moved(where), paint); }

 private:
  Rect moved(Rect rect) const {
    rect.x += right_;
    return rect;
  }
  std::vector<Point> moved(std::span<const Point> points) const {
    std::vector<Point> all(points.begin(), points.end());
    for (Point& point : all) point.x += right_;
    return all;
  }

  Surface& under_;
  int right_;
};

}  // namespace

SideBySide::SideBySide(std::vector<Picture> pictures) : pictures_(std::move(pictures)) {}

int SideBySide::width() const {
  int sum = 0;
  for (const Picture& picture : pictures_) sum += picture.width();
  return sum;
}

int SideBySide::height() const {
  int most = 0;
  for (const Picture& picture : pictures_) most = std::max(most, picture.height());
  return most;
}

void SideBySide::draw(Surface& surface) const {
  int right = 0;
  for (const Picture& picture : pictures_) {
    Moved moved(surface, right);
    picture.draw(moved);
    right += picture.width();
  }
}

}  // namespace cnf
