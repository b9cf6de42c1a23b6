// Where everything in a figure goes: computed from sizes and texts, before a pixel is drawn.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/box.hpp"
#include "tools/draw/canvas.hpp"
#include "tools/draw/colour_scale.hpp"

namespace cnf {

enum class Bars {
  none,    ///< no colour bar
  each,    ///< one beside each panel that has a colour scale
  shared,  ///< one for the whole figure, at its right; the scale of the first panel that has one
};

/// What a figure holds: panels of one size and one range in rows, filled from the top left.
struct FigureSpec {
  int width = 800;                    ///< pixels
  int height = 0;                     ///< pixels; 0: what the panels need at this width, at most twice the width
  double scale = 1;                   ///< multiplies text and lines: 1 for the screen, 2 for print
  Box range{};                        ///< of the plot area
  bool log_x = false, log_y = false;  ///< the range is of decimal logarithms: ticks tell the numbers
  double aspect = 1;                  ///< pixels of a unit of y over those of one of x; 0: the plot fills its place
  int columns = 1;
  std::string title{};  ///< over the whole figure
  std::string x_label{}, y_label{}, bar_label{};
  std::string short_bar_label{};  ///< for a bar on which the other would be cut
  Bars bars = Bars::each;
  std::vector<std::string> titles{};                 ///< one a panel; may be empty texts
  std::vector<std::optional<ColourScale>> scales{};  ///< one a panel
  std::vector<std::string> legend{};  ///< names beside the last column, from the top; of a figure without bars
};

/// A line of text in its box; see draw_text.
struct Label {
  std::string text;
  double size = 0;
  Rect box;
  bool vertical = false;
};

struct PanelLayout {
  Rect plot;      ///< the data's pixels; frame and ticks lie outside
  Rect bar;       ///< w = 0: none
  int arrow = 0;  ///< height of the arrow on the bar's top, which says that there are values above it; 0: none
};

struct FigureLayout {
  int width = 0, height = 0;
  int line = 1;      ///< thickness of frames and ticks, pixels
  double scale = 1;  ///< what became of the scale asked for
  std::vector<PanelLayout> panels;
  Rect shared_bar;             ///< w = 0: none
  int shared_arrow = 0;        ///< on its top
  std::vector<Rect> marks;     ///< ticks
  std::vector<Rect> swatches;  ///< one for each name of the legend, before it; w = 0: the name has no room
  std::vector<Label> labels;   ///< no two boxes intersect, none reaches over the canvas or into a plot or bar
};

/// Lays the figure out. Text shrinks with the figure where `scale` is too large for it; then the bars' label, the axis
/// labels and the bars go. Texts too long for their place shrink to 3/4 and end in an ellipsis. Plot rectangles do not
/// depend on the colour scales' ends, only on which panels have one.
/// Throws std::invalid_argument naming what is wrong: a side that is not 100..16384 pixels, a scale that is not in
/// [0.25, 16], a range that is empty or not finite, or panels too many to get 8 pixels each.
FigureLayout layout(const FigureSpec& spec);

/// The pixels by which a legend of these names makes a figure wider, at the scale asked for.
int legend_width(const std::vector<std::string>& names, double scale);

/// The pixels [at, at + line) of a tick at the real position p of an axis over [begin, begin + length): centred on p,
/// snapped to the frame at the two ends.
int tick_pixel(double p, int begin, int length, int line);

}  // namespace cnf
