// Pictures to look at: draw_demo NAME > picture.png, NAME one of those below.
#include <cmath>
#include <cstdio>
#include <iterator>
#include <string>

#include "base/random.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/draw/png.hpp"

using namespace cnf;

namespace {

constexpr double kPi = 3.14159265358979323846, kSigma = 0.3, kRadius = 2.6;

double eight_gaussians(double x, double y) {
  double p = 0;
  for (int k = 0; k < 8; ++k) {
    const double dx = x - kRadius * std::cos(k * kPi / 4), dy = y - kRadius * std::sin(k * kPi / 4);
    p += std::exp(-(dx * dx + dy * dy) / (2 * kSigma * kSigma)) / (16 * kPi * kSigma * kSigma);
  }
  return p;
}

Matrix<double> density_grid(const Box& r, Index nx, Index ny) {
  return Matrix<double>::NullaryExpr(ny, nx, [&](Index j, Index i) {
    return eight_gaussians(r.x0 + (r.x1 - r.x0) * (static_cast<double>(i) + 0.5) / static_cast<double>(nx),
                           r.y0 + (r.y1 - r.y0) * (static_cast<double>(j) + 0.5) / static_cast<double>(ny));
  });
}

Batch samples(Index n) {
  Batch x(2, n);
  for (Index i = 0; i < n; ++i) {
    const double angle = kPi / 4 * uniform_index({1}, Purpose::data, 0, static_cast<std::uint64_t>(i), 0, 8);
    x(0, i) = kRadius * std::cos(angle) + kSigma * normal({1}, Purpose::data, 0, static_cast<std::uint64_t>(i), 4);
    x(1, i) = kRadius * std::sin(angle) + kSigma * normal({1}, Purpose::data, 0, static_cast<std::uint64_t>(i), 5);
  }
  return x;
}

Matrix<double> histogram(const Batch& x, const Box& r, Index n) {
  Matrix<double> h = Matrix<double>::Zero(n, n);
  const double cell = (r.x1 - r.x0) * (r.y1 - r.y0) / static_cast<double>(n * n);
  for (Index i = 0; i < x.cols(); ++i) {
    const auto u = static_cast<Index>(std::floor((x(0, i) - r.x0) / (r.x1 - r.x0) * static_cast<double>(n)));
    const auto v = static_cast<Index>(std::floor((x(1, i) - r.y0) / (r.y1 - r.y0) * static_cast<double>(n)));
    if (u >= 0 && u < n && v >= 0 && v < n) h(v, u) += 1 / (cell * static_cast<double>(x.cols()));
  }
  return h;
}

Canvas picture(const std::string& name) {
  Box r;
  FigureStyle style{.title = "8gaussians: model density", .x_label = "x", .y_label = "y", .bar_label = "density"};
  if (name == "magma") style.map = Colormap::magma, style.dark = true;
  if (name == "log") style.scaling = Scaling::log, style.map = Colormap::inferno;
  if (name == "scale2") style.width = 1400, style.scale = 2;
  if (name == "wide") r = {-8, 8, -2, 2}, style.map = Colormap::plasma;
  if (name == "tall") r = {-1, 1, -8, 8}, style.height = 700, style.map = Colormap::cividis;
  if (name == "small") style.width = 200;
  if (name == "small4") style.width = style.height = 200, style.scale = 4;
  if (name == "long") {
    style.width = 420;
    style.title = "A title that is far too long for its picture, and then goes on and on beyond all reason";
  }
  if (name.starts_with("panels") || name == "grid") {
    FigureStyle four = style;
    four.bars = Bars::shared;
    four.width = name == "grid" ? 1000 : 1600;
    four.title = "8gaussians";
    if (name == "panels_each") four.bars = Bars::each, four.bar_label = "", four.map = Colormap::magma;
    if (name == "panels_dark") four.dark = true, four.map = Colormap::magma;
    if (name == "grid") four.columns = 2;
    const PlotArea area = plot_area_pixels(r, four, {"data", "truth", "model", "samples"}, {true, true, true, false});
    const Batch x = samples(20000);
    const Panel all[] = {{"data, 20 000 points", histogram(x, r, 100), {}},
                         {"true density", density_grid(r, area.width, area.height), {}},
                         {"model density", density_grid(r, area.width, area.height), {}},
                         {"samples", {}, x.leftCols(5000)}};
    return panels(all, r, four);
  }
  const PlotArea area = plot_area_pixels(r, style);
  Matrix<double> grid = density_grid(r, area.width, area.height);
  if (name == "milli") grid *= 1e-3 * 0.7;
  if (name == "offset") r = {1e6, 1e6 + 8, 0, 0.008}, style.aspect = 0, grid = grid.array() * 1e-6 + 100;
  if (name == "nan") grid = density_grid(r, 20, 20), grid.block(3, 3, 5, 4).setConstant(std::nan(""));
  return heatmap(grid, r, style, name == "points" ? samples(3000) : Batch());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string png = encode_png(picture(argc > 1 ? argv[1] : ""));
  return std::fwrite(png.data(), 1, png.size(), stdout) == png.size() ? 0 : 4;
}
