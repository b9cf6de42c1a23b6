#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "datasets/toy.hpp"
#include "flows/judge/contour.hpp"
#include "flows/judge/levels.hpp"
#include "flows/judge/marginals.hpp"
#include "flows/judge/slice.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

bool closed(const Batch& line) { return line.col(0) == line.col(line.cols() - 1); }

/// What lies on the line's left.
double area(const Batch& line) {
  double sum = 0;
  for (Index k = 0; k + 1 < line.cols(); ++k) sum += line(0, k) * line(1, k + 1) - line(0, k + 1) * line(1, k);
  return sum / 2;
}

Matrix<double> on_cells(const Box& range, Index nx, Index ny, const std::function<double(double, double)>& f) {
  const Grid grid{range, nx, ny};
  const Batch at = cell_centres(grid, 0, grid.cells());
  Matrix<double> values(ny, nx);
  for (Index k = 0; k < grid.cells(); ++k) values(k / nx, k % nx) = f(at(0, k), at(1, k));
  return values;
}

}  // namespace

TEST_CASE("a circle's contour is one closed line of its radius, the inside on its left", "[flows][contour]") {
  const auto values = on_cells({-2, 2, -3, 3}, 80, 120, [](double x, double y) { return -(x * x + y * y); });
  const auto lines = contour_lines(values, {-2, 2, -3, 3}, {-1.0, -0.25, 1.0});
  REQUIRE(lines.size() == 3);
  REQUIRE((lines[0].size() == 1 && lines[1].size() == 1));
  CHECK(lines[2].empty());
  for (const int k : {0, 1}) {
    const double r = k == 0 ? 1 : 0.5;
    const Batch& line = lines[k][0];
    CHECK(closed(line));
    CHECK(area(line) == Approx(std::numbers::pi * r * r).epsilon(0.005));
    for (Index p = 0; p < line.cols(); ++p) CHECK(std::abs(line.col(p).norm() - r) < 7e-4);  // cell^2 / (4 r)
  }
}

TEST_CASE("lines end on the window's edge, and only there", "[flows][contour]") {
  const Box window{0, 4, 0, 2};
  const auto values = on_cells(window, 40, 20, [](double x, double y) { return x - y; });
  const auto lines = contour_lines(values, window, {0.0, 3.0});
  REQUIRE(lines[0].size() == 1);
  const Batch& line = lines[0][0];
  CHECK_FALSE(closed(line));
  const auto on_edge = [&](const auto& p) { return p[0] == 0 || p[0] == 4 || p[1] == 0 || p[1] == 2; };
  CHECK((on_edge(line.col(0)) && on_edge(line.col(line.cols() - 1))));
  for (Index p = 1; p + 1 < line.cols(); ++p) CHECK(std::abs(line(0, p) - line(1, p)) < 0.051);
  CHECK(lines[1].size() == 1);
  // A level that every value reaches, or that none does, has no line.
  const auto none = contour_lines(Matrix<double>::Constant(5, 7, 2), window, {2.0, 1.0, 3.0});
  CHECK((none[0].empty() && none[1].empty() && none[2].empty()));
}

TEST_CASE("at a saddle the middle decides what is joined", "[flows][contour]") {
  for (const double middle : {-0.2, 0.2}) {
    CAPTURE(middle);
    Matrix<double> values(2, 2);  // high at the lower left and the upper right
    values << 1 + middle, -1 + middle, -1 + middle, 1 + middle;
    const auto lines = contour_lines(values, {0, 2, 0, 2}, {0.0})[0];
    REQUIRE(lines.size() == 2);
    // Joined, the lines cut off the low corners, the lower right and the upper left; else the high ones.
    for (const Batch& line : lines) {
      const double ends =
          (line(0, 0) - 1) * (line(1, 0) - 1) + (line(0, line.cols() - 1) - 1) * (line(1, line.cols() - 1) - 1);
      const Vector<double> mean = line.rowwise().mean();
      CHECK(((mean[0] - 1) * (mean[1] - 1) < 0) == (middle > 0));
      CHECK(std::isfinite(ends));
    }
  }
}

TEST_CASE("cells without a value leave a gap, infinite ones do not", "[flows][contour]") {
  const Box window{-2, 2, -2, 2};
  Matrix<double> values = on_cells(window, 41, 41, [](double x, double y) { return -(x * x + y * y); });
  const Index whole = contour_lines(values, window, {-1.0})[0][0].cols();
  values(20, 30) = kNaN;  // on the circle's right
  const auto cut = contour_lines(values, window, {-1.0})[0];
  REQUIRE(cut.size() == 1);
  CHECK_FALSE(closed(cut[0]));
  CHECK(cut[0].cols() < whole);
  for (Index j = 0; j < 41; ++j)
    for (Index i = 0; i < 41; ++i)
      if (!(values(j, i) > -1)) values(j, i) = -kInf;
  const auto round = contour_lines(values, window, {-1.0})[0];
  REQUIRE(round.size() == 1);
  CHECK(closed(round[0]));
  CHECK(round[0].allFinite());
}

TEST_CASE("a tracer takes rows of its grid, as many as it has", "[flows][contour]") {
  ContourTracer tracer({{0, 1, 0, 1}, 3, 1}, {0.5});
  CHECK_THROWS_AS(tracer.add(Vector<double>::Zero(2)), std::invalid_argument);
  tracer.add(Vector<double>::Zero(3));
  CHECK_THROWS_AS(tracer.add(Vector<double>::Zero(3)), std::invalid_argument);
  CHECK_THROWS_AS(ContourTracer({{0, 1, 0, 1}, 0, 3}, {0.5}), std::invalid_argument);
}

TEST_CASE("the levels of 8gaussians enclose the shares asked for, by fine quadrature", "[flows][contour][statistics]") {
  const ToyDensity& toy = *find_toy("8gaussians");
  constexpr Index kDraws = 131'072;
  const Batch draws = toy.sample(Seed{5}, Purpose::data, 0, 0, kDraws);
  const DensityLevels levels(toy.log_prob(draws));
  const Grid grid{toy.box(), 1500, 1500};
  const Batch at = cell_centres(grid, 0, grid.cells());
  const Vector<double> log_p = toy.log_prob(at);
  const Vector<double> p = log_p.array().exp();
  Matrix<double> field(grid.ny, grid.nx);
  for (Index k = 0; k < grid.cells(); ++k) field(k / grid.nx, k % grid.nx) = log_p[k];
  for (const double share : {0.1, 0.5, 0.9, 0.99}) {
    CAPTURE(share);
    const double level = levels.level(share);
    double held = 0, cells = 0;
    for (Index k = 0; k < grid.cells(); ++k)
      if (log_p[k] >= level) held += p[k] * grid.cell_area(), cells += grid.cell_area();
    CHECK(std::abs(held - share) < 0.005);  // 3.6 standard errors at 0.5
    CHECK(std::abs(std::log(level_of_share(p, share)) - level) < 0.06);
    // The lines are around those cells.
    double around = 0;
    const std::vector<std::vector<Batch>> lines = contour_lines(field, toy.box(), {level});
    for (const Batch& line : lines[0]) around += area(line);
    CHECK(around == Approx(cells).epsilon(0.002));
  }
}

TEST_CASE("a flow's own levels enclose the shares asked for, by fine quadrature", "[flows][contour][statistics]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  EvaluationOptions options;
  options.threads = 1;
  Evaluator evaluator(model, options);
  const DensityLevels levels(draws_with_density(evaluator, Seed{2}, 90'000).log_prob);
  const Grid grid{{-7, 7, -7, 7}, 300, 300};
  const Vector<double> log_p = evaluator.log_prob(cell_centres(grid, 0, grid.cells())).log_prob;
  REQUIRE(log_p.array().exp().sum() * grid.cell_area() == Approx(1).margin(1e-3));
  for (const double share : {0.5, 0.9, 0.99}) {
    CAPTURE(share);
    const double level = levels.level(share);
    double held = 0;
    for (const double v : log_p)
      if (v >= level) held += std::exp(v) * grid.cell_area();
    CHECK(std::abs(held - share) < 0.005);  // three standard errors at 0.5
  }
}

TEST_CASE("the level of a share is by the mass of cells, and of all where it is known", "[flows][contour]") {
  Vector<double> p(5);
  p << 1, kNaN, 4, 3, 2;
  CHECK((level_of_share(p, 0.4) == 4 && level_of_share(p, 0.41) == 3 && level_of_share(p, 1) == 1));
  CHECK((level_of_share(p, 0.4, 20) == 2 && level_of_share(p, 0.4, 17) == 3 && level_of_share(p, 0.9, 20) == 1));
  CHECK(level_of_share(p * 4e307, 0.5) == 3 * 4e307);
  CHECK_THROWS_AS(level_of_share(Vector<double>::Zero(3), 0.5), std::invalid_argument);
}

TEST_CASE("smooth marginals of a Gaussian are near it, and hold the share that is inside", "[flows][marginals]") {
  const Batch z = normal_batch(2, 50'000, Seed{7});
  const Vector<double> curve = smooth_marginal(z.row(0).transpose(), {-4, 4}, 200);
  double worst = 0;
  for (Index i = 0; i < 200; ++i) {
    const double x = -4 + 8 * (static_cast<double>(i) + 0.5) / 200;
    worst = std::max(worst, std::abs(curve[i] - std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi)));
  }
  CHECK(worst < 0.02);
  CHECK(curve.sum() * 8 / 200 == Approx(1).margin(3e-4));
  CHECK(smooth_marginal(z.row(0).transpose(), {0, 4}, 200).sum() * 4 / 200 == Approx(0.5).margin(0.02));

  const Matrix<double> plane =
      smooth_marginal(z.row(0).transpose(), 3 * z.row(1).transpose(), {-4, 4, -12, 12}, 96, 80);
  REQUIRE((plane.rows() == 80 && plane.cols() == 96));
  for (const double share : {0.5, 0.9}) {  // 2 pi sigma^2 e^(-r^2/2) = level; the region's mass is 1 - e^(-r^2/2)
    const double level = level_of_share(plane.reshaped(), share);
    CHECK(1 - level * 2 * std::numbers::pi * 3 == Approx(share).margin(0.03));
  }
}

TEST_CASE("tails of smooth marginals are no islands, hills beside each other stay apart", "[flows][marginals]") {
  const Batch z = normal_batch(2, 5000, Seed{9});
  const Box range{-5, 5, -5, 5};
  const Matrix<double> one = smooth_marginal(z.row(0).transpose(), z.row(1).transpose(), range, 128, 128);
  const double tail = level_of_share(one.reshaped(), 0.99);
  CHECK(contour_lines(one, range, {tail})[0].size() <= 3);  // without the wider tail 22
  Vector<double> x = 0.1 * z.row(0).transpose();
  for (Index b = 0; b < x.size(); ++b) x[b] += b % 2 == 0 ? -0.5 : 0.5;
  const Matrix<double> two = smooth_marginal(x, 0.1 * z.row(1).transpose(), {-1, 1, -1, 1}, 128, 128);
  CHECK(contour_lines(two, {-1, 1, -1, 1}, {level_of_share(two.reshaped(), 0.9)})[0].size() == 2);
}

TEST_CASE("bars hold whole steps of values that have one", "[flows][marginals]") {
  Vector<double> quality(1200);  // 3 .. 8, as marks are
  for (Index i = 0; i < quality.size(); ++i) quality[i] = 3 + static_cast<double>(i % 6);
  const Histogram bars = histogram_of(quality, {2.5, 8.5}, 60);
  CHECK(bars.width == Approx(1));
  REQUIRE(bars.height.size() >= 6);
  double inside = 0;
  for (Index k = 0; k < bars.height.size(); ++k) {
    const double centre = bars.low + (static_cast<double>(k) + 0.5) * bars.width;
    CHECK(std::abs(centre - std::round(centre)) < 1e-9);
    if (bars.height[k] > 0) CHECK(bars.height[k] == Approx(1.0 / 6));
    inside += bars.height[k] * bars.width;
  }
  CHECK(inside == Approx(1));
  const Batch z = normal_batch(1, 20'000, Seed{8});
  const Histogram smooth = histogram_of(z.row(0).transpose(), {-3, 3}, 60);
  CHECK(smooth.width == Approx(6.0 / 60));
  CHECK(smooth.height.sum() * smooth.width == Approx(0.9973).margin(0.002));
  CHECK_THROWS_AS(histogram_of(quality, {1, 1}, 60), std::invalid_argument);
}

TEST_CASE("points of a slice have the held columns' values, and its box is where the plane's mass is",
          "[flows][slice]") {
  Slice slice{2, 0, Vector<double>(4)};
  slice.at << 9, 1, 9, 3;
  Batch plane(2, 2);
  plane << 5, 6, 7, 8;
  const Batch points = slice.lift(plane);
  REQUIRE((points.rows() == 4 && points.cols() == 2));
  CHECK((points(2, 1) == 6 && points(0, 1) == 8 && points(1, 0) == 1 && points(3, 1) == 3));
  slice.y = 2;
  CHECK_THROWS_AS(slice.lift(plane), std::invalid_argument);

  const auto density = on_cells({0, 100, 0, 10}, 200, 100, [](double x, double y) {
    return std::exp(-0.5 * ((x - 30) * (x - 30) + (y - 5) * (y - 5) * 16));
  });
  const Box box = mass_box(density, {0, 100, 0, 10});
  CHECK((box.x0 > 25 && box.x0 < 27.5 && box.x1 < 35 && box.x1 > 32.5));
  CHECK((box.y0 > 3.8 && box.y1 < 6.2));
  const Box none = mass_box(Matrix<double>::Zero(3, 3), {0, 1, 2, 3});
  CHECK((none.x0 == 0 && none.x1 == 1 && none.y0 == 2 && none.y1 == 3));
}
