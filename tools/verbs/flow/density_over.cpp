#include "tools/verbs/flow/density_over.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/judge/contour.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/rows_for_model.hpp"

namespace cnf {

std::vector<Option> over_options() {
  return {{.name = "contours",
           .value = "SHARE,...",
           .kind = Kind::reals,
           .range = Range::open(0, 1),
           .max_count = 16,
           .help = "Lines around the smallest region that holds each share of the model's probability: 0.5,0.9,0.99.",
           .group = "Picture"},
          {.name = "no-heatmap", .help = "Contours and points alone, on white.", .group = "Picture"},
          {.name = "points",
           .value = "FILE",
           .kind = Kind::path,
           .help = "Draw the rows of a table over the density; beside the model's in the curve of one column, and in "
                   "the corner picture of many. Columns are found as in logprob.",
           .group = "Picture"}};
}

void check_over(const Args& args) {
  if (args.flag("no-heatmap") && !args.given("contours") && !args.given("points") && !args.given("samples"))
    throw UsageError("--no-heatmap leaves nothing to draw", "give --contours 0.5,0.9 or --points FILE beside it");
}

std::vector<double> contour_shares(const Args& args) {
  if (!args.given("contours")) return {};
  std::vector<double> shares = args.reals("contours");
  std::sort(shares.begin(), shares.end());
  shares.erase(std::unique(shares.begin(), shares.end()), shares.end());
  return shares;
}

std::string percent(double share) { return significant(100 * share, 6) + " %"; }

std::vector<LinesOfLevel> lines_through(const GridValues& density, const Box& range, const std::vector<double>& shares,
                                        const std::vector<double>& levels) {
  std::vector<LinesOfLevel> lines;
  for (auto share = shares.rbegin(); share != shares.rend(); ++share) lines.push_back({percent(*share), {}});
  ContourTracer tracer({range, density.cols(), density.rows()}, {levels.rbegin(), levels.rend()});
  density.for_each_block([&](Index, const Matrix<double>& block) {
    for (Index j = 0; j < block.rows(); ++j) {
      stop_if_asked(interrupt_flag());
      tracer.add(block.row(j).transpose().array().log().matrix());
    }
  });
  std::vector<std::vector<Batch>> traced = tracer.lines();
  for (std::size_t k = 0; k < lines.size(); ++k) lines[k].lines = std::move(traced[k]);
  return lines;
}

ContourStyle contour_style(Colormap map, bool heatmap, std::size_t levels) {
  if (heatmap) return {.ground = Rgb{16, 16, 24}};
  ContourStyle style{.width = 1.6};
  for (std::size_t k = 0; k < levels; ++k)
    style.of_levels.push_back(
        colour(map, levels == 1 ? 0.25 : 0.6 - 0.5 * static_cast<double>(k) / static_cast<double>(levels - 1)));
  return style;
}

std::function<void(Surface&, const Axes&)> points_over(Batch rows, bool heatmap) {
  return [rows = std::move(rows), heatmap](Surface& surface, const Axes& axes) {
    constexpr Rgb kOver{255, 120, 60}, kAlone{200, 66, 10}, kRim{16, 16, 24};
    std::vector<Point> inside;
    for (Index b = 0; b < rows.cols(); ++b)
      if (rows(0, b) >= axes.range.x0 && rows(0, b) <= axes.range.x1 && rows(1, b) >= axes.range.y0 &&
          rows(1, b) <= axes.range.y1)
        inside.push_back(axes.at(rows(0, b), rows(1, b)));
    const double alpha = std::clamp(1500.0 / static_cast<double>(std::max<std::size_t>(inside.size(), 1)), 0.12, 0.9);
    const double radius = (inside.size() <= 500 ? 2.2 : 1.4) * axes.scale;
    if (heatmap && alpha > 0.5) surface.discs(inside, radius + 0.7 * axes.scale, kRim, 0.6 * alpha, axes.plot);
    surface.discs(inside, radius, heatmap ? kOver : kAlone, alpha, axes.plot);
  };
}

std::shared_ptr<RowReader> open_points(const Args& args, const Cnf& model) {
  if (!args.given("points")) return nullptr;
  RowOptions options;
  options.stop = interrupt_flag();
  try {
    return open_data_rows(args.text("points"), model, options);
  } catch (const InputError& error) {
    if (error.help().find("--columns") == std::string::npos) throw;
    throw InputError(error.what(), "a file with the model's columns alone, or with their names at its head, is drawn");
  }
}

Batch read_points(RowReader& rows, const std::string& verb) {
  constexpr Index kMost = 200'000;
  const Index D = std::ssize(rows.columns());
  Batch kept(D, 0);
  Index stride = 1, seen = 0;
  for (SampleBatch block = next_block(rows); block.x.cols() > 0; block = next_block(rows)) {
    stop_if_asked(interrupt_flag());
    Index n = kept.cols();
    kept.conservativeResize(D, n + block.x.cols());
    for (Index b = 0; b < block.x.cols(); ++b)
      if ((seen + b) % stride == 0) kept.col(n++) = block.x.col(b);
    seen += block.x.cols();
    while (n > kMost) {  // row 0, stride, 2 stride, ... are kept: every second of them
      for (Index k = 0; 2 * k < n; ++k) kept.col(k) = kept.col(2 * k).eval();
      n = (n + 1) / 2, stride *= 2;
    }
    kept.conservativeResize(D, n);
  }
  if (seen == 0) throw InputError(rows.source() + ": no rows to draw");
  if (stride > 1)
    write_stderr("cnf " + verb + ": warning: " + rows.source() + ": of its " + std::to_string(seen) + " rows one in " +
                 std::to_string(stride) + " is drawn\n");
  return kept;
}

}  // namespace cnf
