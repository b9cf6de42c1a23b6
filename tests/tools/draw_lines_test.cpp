// What is drawn as lines: contours with their labels, curves over bars, corner pictures.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "tools/draw/contour_lines.hpp"
#include "tools/draw/corner.hpp"
#include "tools/draw/curve.hpp"
#include "tools/draw/svg.hpp"
#include "tools/draw/text.hpp"

using namespace cnf;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Batch circle(double x, double y, double r, Index n = 200) {
  Batch line(2, n + 1);
  for (Index k = 0; k <= n; ++k) {
    const double t = 2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
    line.col(k) << x + r * std::cos(t), y + r * std::sin(t);
  }
  return line;
}

const Axes kAxes{{10, 20, 400, 300}, {0, 4, 0, 3}, 1, {0, 0, 0}, {255, 255, 255}};

std::string svg(const Drawing& picture) {
  std::string text;
  encode_svg(picture, [&](std::string_view bytes) { text += bytes; });
  return text;
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("labels of contours stand on their lines, apart from each other and inside the plot", "[draw][contour]") {
  const std::vector<LinesOfLevel> levels{{"99 %", {circle(2, 1.5, 1.3)}},
                                         {"90 %", {circle(2, 1.5, 1.0)}},
                                         {"50 %", {circle(2, 1.5, 0.6), circle(0.3, 0.3, 0.05)}}};
  const std::vector<PlacedLabel> labels = place_labels(levels, kAxes, 12);
  REQUIRE(labels.size() == 3);
  const double radius[] = {130, 100, 60};
  for (const PlacedLabel& label : labels) {
    CAPTURE(label.level);
    CHECK(label.on_line);
    CHECK(contains(kAxes.plot, label.box));
    const double x = label.box.x + label.box.w / 2.0 - 210, y = label.box.y + label.box.h / 2.0 - 170;
    CHECK(std::hypot(x, y) == Approx(radius[label.level]).margin(3));
    CHECK(std::abs(x) < std::abs(y));  // where the circle runs level rather than upright
    for (const PlacedLabel& other : labels)
      if (other.level != label.level) CHECK_FALSE(intersects(label.box, other.box));
  }
}

TEST_CASE("labels of lines that meet do not", "[draw][contour]") {
  const std::vector<Batch> line{circle(2, 1.5, 1)};
  const std::vector<PlacedLabel> labels = place_labels({{"99 %", line}, {"90 %", line}, {"50 %", line}}, kAxes, 12);
  REQUIRE(labels.size() == 3);
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < a; ++b) CHECK_FALSE(intersects(labels[a].box, labels[b].box));
}

TEST_CASE("a line too short for its label has it beside it, and one without room has none", "[draw][contour]") {
  const std::vector<PlacedLabel> beside = place_labels({{"50 %", {circle(2, 1.5, 0.04)}}}, kAxes, 12);
  REQUIRE(beside.size() == 1);
  CHECK_FALSE(beside[0].on_line);
  CHECK_FALSE(intersects(beside[0].box, {206, 166, 8, 8}));  // the circle
  const Axes small{{0, 0, 20, 12}, {0, 4, 0, 3}, 1, {}, {255, 255, 255}};
  CHECK(place_labels({{"50 %", {circle(2, 1.5, 1)}}}, small, 12).empty());
  CHECK(place_labels({{"50 %", {}}, {"", {circle(2, 1.5, 1)}}}, kAxes, 12).empty());
}

TEST_CASE("contours have the same pixels drawn at once or in bands, and break under their label", "[draw][contour]") {
  std::vector<Panel> panel(1);
  panel[0].paper = true;
  panel[0].over = contours_over({{"50 %", {circle(2, 1.5, 1)}}}, {.width = 2, .line = {200, 0, 0}});
  const Picture picture(panel, {0, 4, 0, 3}, {.width = 320});
  const Canvas whole = picture.whole(), band = picture.band(40, 60);
  Index red = 0, different = 0;
  for (int y = 0; y < whole.height(); ++y)
    for (int x = 0; x < whole.width(); ++x) {
      red += whole.at(x, y) == Rgb{200, 0, 0} || whole.at(x, y).g < 60;
      if (y >= 40 && y < 100) different += !(whole.at(x, y) == band.at(x, y));
    }
  CHECK(different == 0);
  CHECK(red > 100);
  CHECK(times(svg(picture), "<path") == 2);  // begin and end of the circle's list of points, without the gap
  CHECK(times(svg(picture), "50 %") == 1);
}

TEST_CASE("a curve lies over its bars, and breaks where it has no value", "[draw][curve]") {
  Curve curve;
  curve.x0 = -1, curve.name = "model", curve.data_name = "rows";
  curve.density = Vector<double>::Constant(200, 0.25);
  curve.density.segment(90, 20).setConstant(kNaN);
  curve.bars.low = -1, curve.bars.width = 0.5, curve.bars.height.resize(4);
  curve.bars.height << 0.5, 0, 0.125, 0.5;
  curve.rug = Vector<double>::LinSpaced(5, -2, 2);  // three of them inside
  const std::string drawn = svg(curve_picture(curve, {.width = 400, .title = "t", .x_label = "a", .y_label = "p"}));
  CHECK(times(drawn, "#c8420a") == 3);  // two pieces, and the legend
  CHECK(times(drawn, "#adc6e0") == 4);  // three bars, and the legend
  CHECK(times(drawn, "#346094") == 3);
  for (const char* word : {">model<", ">rows<", ">t<", ">a<", ">p<"}) CHECK(times(drawn, word) == 1);
  CHECK(curve_pixels(-1, 1, {.width = 400, .title = "t", .x_label = "a"}) > 200);
}

TEST_CASE("a corner has a panel for every column and pair, names on the outer axes, and no label over another",
          "[draw][corner]") {
  for (const int n : {2, 3, 7, 12}) {
    CAPTURE(n);
    Corner corner{.title = "title", .note = "note"};
    CornerSeries series{.name = "series"};
    for (int k = 0; k < n; ++k) {
      corner.columns.push_back("a long name " + std::to_string(k));
      corner.ranges.emplace_back(1e4 * k, 1e4 * k + 3 + k);
      series.columns.push_back({1e4 * k, 0.1, Vector<double>::Ones(20)});
    }
    series.pairs.resize(static_cast<std::size_t>(n * (n - 1) / 2));
    corner.series = {series, series};
    corner.series[0].ground = true;
    const CornerPicture picture(corner, {.width = 900});
    for (int row = 0; row < n; ++row)
      for (int column = 0; column <= row; ++column) {
        const Rect panel = picture.panel(static_cast<std::size_t>(row), static_cast<std::size_t>(column));
        CHECK(contains({0, 0, picture.width(), picture.height()}, panel));
        CHECK(panel.w == panel.h);
      }
    CHECK(picture.panel(0, 1).x > picture.panel(0, 0).right());

    struct Texts final : Surface {
      void fill(const Rect&, Rgb, double) override {}
      void polygon(std::span<const Point>, Rgb, double, const Rect&) override {}
      void polyline(std::span<const Point>, double, Rgb, double, const Rect&) override {}
      void discs(std::span<const Point>, double, Rgb, double, const Rect&) override {}
      void image(const Rect&, const Paint&) override {}
      void text(int x, int y, std::string_view text, double size, Rgb, bool vertical) override {
        const TextExtent e = measure(text, size);
        boxes.push_back({x, y, vertical ? e.ascent : e.width, vertical ? e.width : e.ascent});
      }
      std::vector<Rect> boxes;
    } texts;
    picture.draw(texts);
    CHECK(std::ssize(texts.boxes) >= 2 * n - 1 + 4 + n);
    int overlaps = 0;
    for (std::size_t a = 0; a < texts.boxes.size(); ++a) {
      CHECK(contains({0, 0, picture.width(), picture.height()}, texts.boxes[a]));
      for (std::size_t b = 0; b < a; ++b) overlaps += intersects(texts.boxes[a], texts.boxes[b]);
      for (int row = 0; row < n; ++row)
        for (int column = 0; column <= row; ++column)
          overlaps += intersects(texts.boxes[a],
                                 picture.panel(static_cast<std::size_t>(row), static_cast<std::size_t>(column)));
    }
    CHECK(overlaps == 0);
  }
  CHECK_THROWS_AS(CornerPicture({.columns = {"a"}, .ranges = {{0, 1}}}, {}), std::invalid_argument);
}
