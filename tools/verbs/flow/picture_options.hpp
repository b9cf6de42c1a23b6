// The options of every picture of a density, and the style they make.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/box.hpp"
#include "tools/cli/args.hpp"
#include "tools/draw/heatmap.hpp"

namespace cnf {

/// "" if axes can show the range, else why not.
std::string trouble_of(const Box& range);

/// --range --size --aspect --magnify --scale --clip --log --colormap --title, under the heading "Picture".
std::vector<Option> picture_options();
/// Throws UsageError: a range that is empty or of another number of ends, an aspect that is none, two scales.
void check_picture(const Args& args, std::size_t ends = 4);
/// Of one of two ends, those of x.
std::optional<Box> range_from(const Args& args);
/// `columns`: the names on the axes. Width and height are those without --size and --magnify.
FigureStyle style_from(const Args& args, const std::vector<std::string>& columns, int width, int height);

/// Names of the columns on the axes, and what the colours are, beside the bar: "density, per unit of lon × lat".
void set_labels(FigureStyle& style, const std::vector<std::string>& columns);

/// The shape of panels of these titles: the aspect that --aspect says, else equal if the columns have one unit or the
/// range is at most 3 times as long as high, or high as long. Where the style says nothing, into how many columns they
/// go; without --size, a width that gives them the area of square ones.
void set_shape(FigureStyle& style, const std::vector<std::string>& columns, const Box& range,
               const std::vector<std::string>& titles, const std::vector<bool>& with_grid, const Args* args);

}  // namespace cnf
