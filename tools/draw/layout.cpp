#include "tools/draw/layout.hpp"

#include <cstdlib>
#include <stdexcept>

#include "base/number_text.hpp"
#include "tools/draw/figure_labels.hpp"

namespace cnf {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("layout: " + what); }

void check(const FigureSpec& spec) {
  const auto side = [](const char* name, int v) {
    if (v < 100 || v > Canvas::kMaxSide)
      refuse(std::string(name) + " is " + std::to_string(v) + " pixels; expected 100 to " +
             std::to_string(Canvas::kMaxSide));
  };
  side("width", spec.width);
  if (spec.height != 0) side("height", spec.height);
  if (!(spec.scale >= 0.25 && spec.scale <= 16)) refuse("scale is " + shortest(spec.scale) + "; expected 0.25 to 16");
  const auto ends = [](const char* name, double low, double high) {
    const double larger = std::max(std::abs(low), std::abs(high));
    if (!std::isfinite(low) || !std::isfinite(high) || !(high / 2 - low / 2 > 5e-10 * larger) || larger < 1e-300)
      refuse(std::string(name) + " runs from " + shortest(low) + " to " + shortest(high) +
             "; expected finite ends, the upper the larger by more than 1e-9 of their size");
  };
  ends("x", spec.range.x0, spec.range.x1);
  ends("y", spec.range.y0, spec.range.y1);
  if (spec.columns < 1) refuse("columns is " + std::to_string(spec.columns) + "; expected 1 or more");
  if (spec.titles.empty()) refuse("no panels");
  if (spec.titles.size() != spec.scales.size())
    refuse(std::to_string(spec.titles.size()) + " titles, but " + std::to_string(spec.scales.size()) + " scales");
}

}  // namespace

int tick_pixel(double p, int begin, int length, int line) {
  if (std::abs(p - begin) < 0.75) return begin - line;
  if (std::abs(p - begin - length) < 0.75) return begin + length;
  return static_cast<int>(std::lround(p - line / 2.0));
}

int legend_width(const std::vector<std::string>& names, double scale) {
  if (names.empty()) return 0;
  const Measures m({}, scale);
  int width = 0;
  for (const std::string& name : names) width = std::max(width, measure(name, m.tick_size).width);
  return m.bar_gap + m.swatch + m.swatch_gap + width;
}

FigureLayout layout(const FigureSpec& asked) {
  check(asked);
  FigureSpec spec = asked;
  const double least = std::min(spec.scale, kSmallestText / kTickSize);
  for (int given_up = 0; given_up < 5; ++given_up) {
    if (given_up == 1) spec.bar_label.clear(), spec.title.clear();
    if (given_up == 2) spec.x_label.clear(), spec.y_label.clear();
    if (given_up == 3) spec.bars = Bars::none;
    // The last round takes what there is.
    const double share = given_up < 4 ? kPlotShare : 0;
    for (double s = spec.scale; s >= least; s = s * 0.95 < least && s > least ? least : s * 0.95) {
      const Measures m(spec, s);
      const Geometry g = fit_plots(spec, m);
      const int columns = static_cast<int>(g.column_x.size()), rows = static_cast<int>(g.row_y.size());
      if (g.free_w < kLeastPlot || g.free_h < kLeastPlot || columns == 0) continue;
      if (columns * g.free_w < share * g.width) continue;
      if (spec.height != 0 && rows * g.free_h < share * g.height) continue;
      return place_all(spec, g, m);
    }
  }
  refuse(std::to_string(asked.titles.size()) + " panels in " + std::to_string(asked.columns) + " columns do not fit " +
         std::to_string(asked.width) + " x " + std::to_string(asked.height) + " pixels");
}

}  // namespace cnf
