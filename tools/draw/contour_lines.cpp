#include "tools/draw/contour_lines.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "tools/draw/text.hpp"

namespace cnf {
namespace {

constexpr double kLevelSize = 11.5;  // pixels at scale 1
constexpr double kStep = 2;          // pixels between points of a line, at most

using Path = std::vector<Point>;

/// A line in pixels, with points so near that to leave some out leaves a gap of the right length.
Path path_of(const Batch& line, const Axes& axes) {
  Path path{axes.at(line(0, 0), line(1, 0))};
  for (Index k = 1; k < line.cols(); ++k) {
    const Point from = path.back(), to = axes.at(line(0, k), line(1, k));
    const double pieces = std::ceil(std::hypot(to.x - from.x, to.y - from.y) / kStep);
    if (!(pieces < 1e5)) return {};  // not a place in the picture
    for (double p = 1; p <= pieces; ++p)
      path.push_back({from.x + (to.x - from.x) * p / pieces, from.y + (to.y - from.y) * p / pieces});
  }
  return path;
}

double length(const Path& path) {
  double sum = 0;
  for (std::size_t k = 1; k < path.size(); ++k) sum += std::hypot(path[k].x - path[k - 1].x, path[k].y - path[k - 1].y);
  return sum;
}

bool holds(const Rect& box, const Point& p) {
  return p.x >= box.x && p.x <= box.right() && p.y >= box.y && p.y <= box.bottom();
}

/// The levels' lines in pixels, the longest of each first.
std::vector<std::vector<Path>> paths_of(const std::vector<LinesOfLevel>& levels, const Axes& axes) {
  std::vector<std::vector<Path>> all;
  for (const LinesOfLevel& level : levels) {
    std::vector<Path>& paths = all.emplace_back();
    for (const Batch& line : level.lines)
      if (Path path = path_of(line, axes); path.size() > 1) paths.push_back(std::move(path));
    std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return length(a) > length(b); });
  }
  return all;
}

class Placement {
 public:
  Placement(const std::vector<std::vector<Path>>& paths, const Rect& plot) : paths_(paths), plot_(plot) {}

  bool free(const Rect& box) const {
    const Rect inner{plot_.x + 2, plot_.y + 2, plot_.w - 4, plot_.h - 4};
    return contains(inner, box) &&
           std::none_of(taken_.begin(), taken_.end(), [&](const Rect& other) { return intersects(box, other); });
  }
  void take(const Rect& box) { taken_.push_back({box.x - 2, box.y - 2, box.w + 4, box.h + 4}); }

  /// Points of lines in the box.
  int crowd(const Rect& box) const {
    int count = 0;
    for (const std::vector<Path>& level : paths_)
      for (const Path& path : level)
        for (const Point& p : path) count += holds(box, p);
    return count;
  }

 private:
  const std::vector<std::vector<Path>>& paths_;
  Rect plot_;
  std::vector<Rect> taken_;
};

Rect centred(double x, double y, int w, int h) {
  return {static_cast<int>(std::lround(x - w / 2.0)), static_cast<int>(std::lround(y - h / 2.0)), w, h};
}

/// On the line, where it runs straight and level through the box and few other lines do.
std::optional<Rect> on_line(const Path& path, int w, int h, const Placement& placement) {
  constexpr std::size_t kPlaces = 48;
  if (length(path) < 3.0 * w) return std::nullopt;
  std::optional<Rect> best;
  double least = 0;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    const std::size_t k = (path.size() - 1) * (2 * place + 1) / (2 * kPlaces);
    const Rect box = centred(path[k].x, path[k].y, w, h);
    if (!placement.free(box)) continue;
    std::size_t from = k, to = k;
    while (from > 0 && holds(box, path[from])) --from;
    while (to + 1 < path.size() && holds(box, path[to])) ++to;
    const double chord = std::hypot(path[to].x - path[from].x, path[to].y - path[from].y);
    const double arc = std::max(1.0, kStep * static_cast<double>(to - from));
    const double slope = std::abs(path[to].y - path[from].y) / std::max(1.0, chord);
    const double cost = placement.crowd(box) * kStep / arc + 2 * (1 - chord / arc) + 0.5 * slope;
    if (!best || cost < least) best = box, least = cost;
  }
  return best;
}

/// Beside the line's end to the right, left, top or bottom.
std::optional<Rect> beside(const Path& path, int w, int h, const Placement& placement) {
  const auto [left, right] =
      std::minmax_element(path.begin(), path.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  const auto [top, bottom] =
      std::minmax_element(path.begin(), path.end(), [](const Point& a, const Point& b) { return a.y < b.y; });
  const double gap = 3;
  const Rect places[] = {centred(right->x + gap + w / 2.0, right->y, w, h),
                         centred(left->x - gap - w / 2.0, left->y, w, h), centred(top->x, top->y - gap - h / 2.0, w, h),
                         centred(bottom->x, bottom->y + gap + h / 2.0, w, h)};
  std::optional<Rect> best;
  int least = 0;
  for (const Rect& box : places) {
    if (!placement.free(box)) continue;
    const int crowd = placement.crowd(box);
    if (!best || crowd < least) best = box, least = crowd;
  }
  return best;
}

Rect box_of(const std::string& label, double size) {
  const TextExtent e = measure(label, size);
  return {0, 0, e.width + 4, e.cap + 6};
}

std::vector<PlacedLabel> place(const std::vector<LinesOfLevel>& levels, const std::vector<std::vector<Path>>& paths,
                               const Axes& axes, double size) {
  constexpr std::size_t kLinesTried = 12;
  Placement placement(paths, axes.plot);
  std::vector<PlacedLabel> placed;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    if (levels[level].label.empty()) continue;
    const Rect box = box_of(levels[level].label, size);
    const std::size_t tried = std::min(paths[level].size(), kLinesTried);
    std::optional<Rect> at;
    bool on = true;
    for (std::size_t k = 0; k < tried && !at; ++k) at = on_line(paths[level][k], box.w, box.h, placement);
    if (!at) on = false;
    for (std::size_t k = 0; k < tried && !at; ++k) at = beside(paths[level][k], box.w, box.h, placement);
    if (!at) continue;
    placement.take(*at);
    placed.push_back({level, *at, on});
  }
  return placed;
}

/// The line without what lies in the box.
void draw_broken(Surface& surface, const Axes& axes, const Path& path, const Rect* box, double width, Rgb colour,
                 double alpha) {
  Path piece;
  for (const Point& p : path) {
    if (box == nullptr || !holds(*box, p)) {
      piece.push_back(p);
    } else if (!piece.empty()) {
      if (piece.size() > 1) surface.polyline(piece, width, colour, alpha, axes.plot);
      piece.clear();
    }
  }
  if (piece.size() > 1) surface.polyline(piece, width, colour, alpha, axes.plot);
}

/// Lines in pixels, and where their labels stand.
struct Laid {
  std::vector<std::vector<Path>> paths;
  std::vector<PlacedLabel> labels;
};

void draw_lines(Surface& surface, const Axes& axes, const Laid& laid, const std::vector<LinesOfLevel>& levels,
                const ContourStyle& style) {
  const auto& [paths, placed] = laid;
  const double size = kLevelSize * axes.scale, width = style.width * axes.scale;
  const auto colour_of = [&](std::size_t level) {
    return style.of_levels.empty() ? style.line : style.of_levels[level % style.of_levels.size()];
  };
  for (std::size_t level = 0; level < paths.size(); ++level) {
    const auto at = std::find_if(placed.begin(), placed.end(), [&](const auto& l) { return l.level == level; });
    const Rect* gap = at != placed.end() && at->on_line ? &at->box : nullptr;
    if (style.ground)
      for (const Path& path : paths[level]) draw_broken(surface, axes, path, gap, 2.4 * width, *style.ground, 0.35);
    for (const Path& path : paths[level]) draw_broken(surface, axes, path, gap, width, colour_of(level), 0.95);
  }
  for (const PlacedLabel& label : placed) {
    const std::string& text = levels[label.level].label;
    const TextExtent e = measure(text, size);
    surface.fill(label.box, style.ground.value_or(axes.page), style.ground ? 0.5 : 0.8);
    surface.text(label.box.x + (label.box.w - e.width) / 2, label.box.y + (label.box.h + e.cap) / 2 - e.ascent, text,
                 size, colour_of(label.level));
  }
}

}  // namespace

std::vector<PlacedLabel> place_labels(const std::vector<LinesOfLevel>& levels, const Axes& axes, double size) {
  return place(levels, paths_of(levels, axes), axes, size);
}

std::function<void(Surface&, const Axes&)> contours_over(std::vector<LinesOfLevel> levels, ContourStyle style) {
  // One layout serves all bands of a picture.
  const auto laid = std::make_shared<std::optional<Laid>>();
  return [laid, levels = std::move(levels), style = std::move(style)](Surface& surface, const Axes& axes) {
    if (!*laid) {
      laid->emplace(Laid{paths_of(levels, axes), {}});
      (*laid)->labels = place(levels, (*laid)->paths, axes, kLevelSize * axes.scale);
    }
    draw_lines(surface, axes, **laid, levels, style);
  };
}

}  // namespace cnf
