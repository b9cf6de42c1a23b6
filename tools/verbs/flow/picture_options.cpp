#include "tools/verbs/flow/picture_options.hpp"

#include <algorithm>
#include <cmath>

#include "base/number_text.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/pictures/picture_size.hpp"
#include "tools/verbs/flow/units.hpp"

namespace cnf {
namespace {

constexpr double kLeastSpan = 1e-9;  // of the larger end: what figures can be laid out for (tools/draw/ticks.hpp)

/// What --aspect says, `equal` where it leaves that to it. Throws UsageError.
double aspect_from(const std::string& text, bool equal) {
  if (text == "equal" || (text.empty() && equal)) return 1;
  if (text == "auto" || text.empty()) return 0;
  try {
    return read_value({.kind = Kind::real, .range = Range::closed(1e-300, 1e300)}, "--aspect", text).reals[0];
  } catch (const UsageError&) {
    throw UsageError("--aspect: " + in_quotes(text) + " is not known, expected equal, auto or a number above 0");
  }
}

}  // namespace

std::string trouble_of(const Box& range) {
  const auto agree = [](double low, double high) {
    return !(high - low > kLeastSpan * std::max(std::abs(low), std::abs(high)));
  };
  const bool x = agree(range.x0, range.x1);
  if (!x && !agree(range.y0, range.y1)) return "";
  const double low = x ? range.x0 : range.y0, high = x ? range.x1 : range.y1;
  return std::string(x ? "x" : "y") + " runs from " + shortest(low) + " to " + shortest(high) +
         ", too narrow a range so far from zero to be drawn";
}

std::vector<Option> picture_options() {
  std::vector<std::string> maps;
  for (const Colormap map : kAllColormaps) maps.emplace_back(name(map));
  std::vector<std::string> scalings;
  for (const Scaling scaling : kAllScalings) scalings.emplace_back(name(scaling));
  const std::string group = "Picture";
  return {
      {.name = "range",
       .value = "X0,X1,Y0,Y1",
       .kind = Kind::reals,
       .min_count = 2,
       .max_count = 4,
       .help =
           "Where to look; of a model of one column X0,X1. Not given: the set's own window, or where the samples are.",
       .group = group},
      size_option("Pixels; without H as high as the range needs. Not given: plots of any shape have one area."),
      {.name = "aspect",
       .value = "A",
       .kind = Kind::text,
       .help = "How long a unit of y is beside one of x: equal, a number, or auto, which fills the picture. Not "
               "given: equal if both columns have one unit, by their names, or ranges alike.",
       .group = group},
      magnify_option(),
      {.name = "scale",
       .value = "SCALE",
       .kind = Kind::choice,
       .initial = std::string(name(Scaling::brighter)),
       .choices = scalings,
       .for_number = "magnify",
       .help = "Colours by the density, its root, its logarithm over six decades, or the share of probability at "
               "lower density. auto: by density or by share, whichever is brighter.",
       .group = group},
      {.name = "clip",
       .value = "SHARE",
       .kind = Kind::real,
       .initial = "0.02",
       .range = Range::closed(0, 0.5),
       .help = "The share of probability whose density is above the top of the colours; an arrow marks it.",
       .group = group},
      {.name = "log", .help = "The same as --scale log.", .group = group},
      {.name = "colormap",
       .value = "MAP",
       .kind = Kind::choice,
       .initial = "viridis",
       .choices = maps,
       .help = "Colours, from low to high density.",
       .group = group},
      title_option()};
}

std::optional<Box> range_from(const Args& args) {
  if (!args.given("range")) return std::nullopt;
  const std::vector<double>& r = args.reals("range");
  if (r.size() == 2) return Box{r[0], r[1], 0, 1};
  return Box{r[0], r[1], r[2], r[3]};
}

void check_picture(const Args& args, std::size_t ends) {
  if (args.given("range") && args.reals("range").size() != ends)
    throw UsageError("--range: " + std::to_string(args.reals("range").size()) + " numbers, expected " +
                     (ends == 2 ? "2 of a model of one column: X0,X1" : "4: X0,X1,Y0,Y1"));
  const std::optional<Box> range = range_from(args);
  if (range && !(range->x0 < range->x1 && range->y0 < range->y1))
    throw UsageError("--range: x0 must be below x1 and y0 below y1, got " + args.value("range").text);
  if (range && !trouble_of(*range).empty()) throw UsageError("--range: " + trouble_of(*range));
  if (args.flag("log") && args.given("scale") && args.text("scale") != "log")
    throw UsageError("--log is --scale log, and --scale says " + args.text("scale"));
  if (args.given("aspect")) aspect_from(args.text("aspect"), true);
}

FigureStyle style_from(const Args& args, const std::vector<std::string>& columns, int width, int height) {
  FigureStyle style = sized_style(args, width, height);
  style.map = colormap(args.text("colormap"));
  style.scaling = args.flag("log") ? Scaling::log : scaling(args.text("scale"));
  style.clip = args.real("clip");
  set_labels(style, columns);
  return style;
}

void set_labels(FigureStyle& style, const std::vector<std::string>& columns) {
  style.x_label = columns.at(0);
  style.y_label = columns.at(1);
  const bool mass = style.scaling == Scaling::mass;
  style.bar_label =
      mass ? "share of probability at lower density" : "density, per unit of " + columns.at(0) + " × " + columns.at(1);
  style.short_bar_label = mass ? "share below" : "density";
}

void set_shape(FigureStyle& style, const std::vector<std::string>& columns, const Box& range,
               const std::vector<std::string>& titles, const std::vector<bool>& with_grid, const Args* args) {
  constexpr double kAlike = 3;
  const double ratio = (range.x1 - range.x0) / (range.y1 - range.y0);
  const bool equal = same_unit(columns.at(0), columns.at(1)) || (ratio <= kAlike && ratio >= 1 / kAlike);
  style.aspect = aspect_from(args != nullptr && args->given("aspect") ? args->text("aspect") : "", equal);
  if (style.columns == 0) style.columns = panel_columns(static_cast<int>(titles.size()), style.aspect * ratio);
  if (args == nullptr || !args->given("size")) keep_area(style, range, titles, with_grid);
}

}  // namespace cnf
