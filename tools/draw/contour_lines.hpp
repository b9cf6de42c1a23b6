// Contour lines over a plot, each level labelled on one of its lines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "tools/draw/heatmap.hpp"

namespace cnf {

/// The lines of one level, 2 x n points of the data's each; a closed one ends where it begins.
struct LinesOfLevel {
  std::string label;  ///< empty: none
  std::vector<Batch> lines;
};

struct ContourStyle {
  double width = 1.3;               ///< pixels at scale 1
  Rgb line{255, 255, 255};          ///< of lines and labels
  std::optional<Rgb> ground{};      ///< a darker rim of the lines, and what labels stand on; none: the page
  std::vector<Rgb> of_levels = {};  ///< instead of `line`, one a level
};

/// Where a level's label stands: on its longest line where that is straightest and nothing else is, the line broken
/// there; beside it where no line is long enough; nowhere where there is no room, or no line.
struct PlacedLabel {
  std::size_t level = 0;
  Rect box;
  bool on_line = false;
};
std::vector<PlacedLabel> place_labels(const std::vector<LinesOfLevel>& levels, const Axes& axes, double size);

/// For Panel::over: draws levels in order, the labels above all.
std::function<void(Surface& surface, const Axes& axes)> contours_over(std::vector<LinesOfLevel> levels,
                                                                      ContourStyle style);

}  // namespace cnf
