// What may lie over a density: contour lines of regions of given mass, and the rows of a file.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/cnf.hpp"
#include "flows/judge/levels.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/progress.hpp"
#include "tools/draw/contour_lines.hpp"
#include "tools/draw/grid_values.hpp"

namespace cnf {

/// --contours --no-heatmap --points, under the heading "Picture".
std::vector<Option> over_options();
/// Throws UsageError where nothing would be left to draw.
void check_over(const Args& args);

/// The shares of mass that --contours names, each once, ascending; none if it is not given.
std::vector<double> contour_shares(const Args& args);
/// "50 %".
std::string percent(double share);

/// The lines through a grid of densities, at the level of log p of each share, the outermost first.
std::vector<LinesOfLevel> lines_through(const GridValues& density, const Box& range, const std::vector<double>& shares,
                                        const std::vector<double>& levels);
/// White with a dark rim over a heatmap; in colours of the map, dark enough for paper, without one.
ContourStyle contour_style(Colormap map, bool heatmap, std::size_t levels);

/// For Panel::over: rows as discs with a dark rim, fainter where they are many.   Shapes  2 x n.
std::function<void(Surface& surface, const Axes& axes)> points_over(Batch rows, bool heatmap);

/// The file of --points, opened as logprob finds a model's columns; null if it is not given.
std::shared_ptr<RowReader> open_points(const Args& args, const Cnf& model);
/// The rows that can be drawn: all of up to 200,000; of more every 2nd, 4th, ..., which is said on standard error.
/// Shapes  D x n.
Batch read_points(RowReader& rows, const std::string& verb);

}  // namespace cnf
