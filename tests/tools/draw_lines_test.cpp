// What is drawn as lines: contours with their labels, curves over bars, corner pictures, charts.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <stdexcept>
#include <tuple>

#include "tests/tools/occurrences.hpp"
#include "tools/draw/contour_lines.hpp"
#include "tools/draw/corner.hpp"
#include "tools/draw/curve.hpp"
#include "tools/draw/interval_chart.hpp"
#include "tools/draw/line_chart.hpp"
#include "tools/draw/side_by_side.hpp"
#include "tools/draw/svg.hpp"
#include "tools/draw/text.hpp"
#include "tools/draw/ticks.hpp"

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

/// Where the texts of a picture stand.
struct TextBoxes final : Surface {
  std::vector<Rect> boxes;

  void fill(const Rect&, Rgb, double) override {}
  void polygon(std::span<const Point>, Rgb, double, const Rect&) override {}
  void polyline(std::span<const Point>, double, Rgb, double, const Rect&) override {}
  void discs(std::span<const Point>, double, Rgb, double, const Rect&) override {}
  void image(const Rect&, const Paint&) override {}
  void text(int x, int y, std::string_view text, double size, Rgb, bool vertical) override {
    const TextExtent e = measure(text, size);
    boxes.push_back({x, y, vertical ? e.height() : e.width, vertical ? e.width : e.height()});
  }
};

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

namespace {

FigureSpec log_spec(const Box& range) {
  FigureSpec spec{.width = 500, .height = 400, .range = range, .log_x = true, .log_y = true, .aspect = 0};
  spec.titles = {"t"}, spec.scales = {std::nullopt};
  spec.x_label = "evaluations", spec.y_label = "error";
  return spec;
}

}  // namespace

TEST_CASE("a logarithmic axis has its decades where they are, fine ticks between, and labels apart", "[draw][lines]") {
  for (const Box& range : {Box{1, 5, -13, -2}, Box{2.1, 2.7, -3.2, -2.9}, Box{-300, 290, -1, 1}, Box{0, 4, 0, 4}}) {
    const FigureSpec spec = log_spec(range);
    const FigureLayout l = layout(spec);
    const Rect plot = l.panels[0].plot;
    CAPTURE(range.x0, range.x1);
    int below = 0, left = 0;
    for (const Label& label : l.labels) {
      below += label.box.y >= plot.bottom() && label.text != "evaluations";
      left += label.box.right() <= plot.x && label.text != "error";
    }
    CHECK((below >= 2 && left >= 2));
    for (std::size_t i = 0; i < l.labels.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(intersects(l.labels[i].box, l.labels[j].box));
  }
  const FigureLayout l = layout(log_spec({0, 4, 0, 4}));
  const Rect plot = l.panels[0].plot;
  const auto label = std::find_if(l.labels.begin(), l.labels.end(), [&](const Label& one) {
    return one.text == power_of_ten(3) && one.box.y >= plot.bottom();
  });
  REQUIRE(label != l.labels.end());
  CHECK(label->box.x + label->box.w / 2.0 == Approx(plot.x + 0.75 * plot.w).margin(1.5));
  std::size_t fine = 0;
  for (const Rect& mark : l.marks) fine += mark.y >= plot.bottom() && mark.x >= plot.x - l.line && mark.h < 4;
  CHECK(fine == 4 * 8);
}

TEST_CASE("a legend stands beside the plot, a swatch before each name", "[draw][lines]") {
  FigureSpec spec = log_spec({0, 4, 0, 4});
  const int alone = layout(spec).panels[0].plot.w;
  spec.legend = {"dopri5", "a method whose name is much too long to stand beside any plot of this width", "x"};
  const FigureLayout l = layout(spec);
  const Rect plot = l.panels[0].plot;
  CHECK(plot.w < alone);
  REQUIRE(l.swatches.size() == 3);
  int names = 0;
  for (const Label& label : l.labels) {
    if (label.box.x < plot.right()) continue;
    const Rect& swatch = l.swatches[static_cast<std::size_t>(names++)];
    CHECK((swatch.x > plot.right() && swatch.right() < label.box.x));
    CHECK((swatch.y > label.box.y && swatch.bottom() < label.box.bottom()));
  }
  CHECK(names == 3);
  spec.height = 100, spec.legend.assign(40, "dopri5");  // more than there is room for
  const FigureLayout full = layout(spec);
  CHECK(full.swatches.back().w == 0);
  for (const Label& label : full.labels) CHECK(label.box.bottom() <= 100);
}

TEST_CASE("a chart's lines end at what has no logarithm, and its legend has their colours", "[draw][lines]") {
  Matrix<double> points(2, 6);
  points << 1, 10, 100, 1e3, 1e4, 1e5, 1, 0.1, 0, 1e-3, kNaN, 1e-5;
  const std::vector<Line> lines{{.name = "falling", .points = points, .colour = line_colour(0, 2), .marks = true},
                                {.points = points.leftCols(2), .colour = line_colour(1, 2)}};
  FigureStyle style{.width = 400, .height = 300, .aspect = 0, .log_x = true, .log_y = true, .title = "work"};
  const Picture chart = line_chart(lines, style);
  CHECK(chart.width() == 400 + legend_width({"falling"}, 1));
  const std::string drawn = svg(chart);
  CHECK((times(drawn, ">falling<") == 1 && times(drawn, ">work<") == 1));
  CHECK(times(drawn, "<circle") == 4);  // of 6 points two are gaps
  CHECK_THROWS_WITH(line_chart({{.points = Matrix<double>::Constant(2, 3, kNaN)}}, style), Catch::Contains("no point"));
  std::set<std::tuple<int, int, int>> colours;
  for (std::size_t n : {10, 40})
    for (std::size_t i = 0; i < n; ++i) colours.insert({line_colour(i, n).r, line_colour(i, n).g, line_colour(i, n).b});
  CHECK(colours.size() == 50);
}

TEST_CASE("a line that does not rise has air around it", "[draw][lines]") {
  for (const double value : {0.0, 5.0, -1e-9, 1e12}) {
    Matrix<double> flat = Matrix<double>::Constant(2, 2, value);
    flat(0, 0) = 0, flat(0, 1) = 1;
    CHECK(line_chart({{.points = flat}}, {.width = 300, .aspect = 0}).width() == 300);
  }
}

TEST_CASE("charts side by side are each as if alone", "[draw][lines]") {
  Matrix<double> points(2, 3);
  points << 0, 1, 2, 0, 1, 0;
  const FigureStyle style{.width = 300, .height = 200, .aspect = 0, .title = "one"};
  const auto chart = [&](Rgb colour) {
    return line_chart({{.points = points, .colour = colour, .marks = true}}, style);
  };
  std::vector<Picture> pictures;
  pictures.push_back(chart({200, 0, 0}));
  pictures.push_back(chart({0, 0, 200}));
  const Canvas left = pictures[0].whole(), right = pictures[1].whole();
  const SideBySide both(std::move(pictures));
  REQUIRE((both.width() == 600 && both.height() == 200));
  const Canvas drawn = both.whole();
  int wrong = 0;
  for (int y = 0; y < 200; ++y)
    for (int x = 0; x < 300; ++x)
      wrong += !(drawn.at(x, y) == left.at(x, y)) + !(drawn.at(300 + x, y) == right.at(x, y));
  CHECK(wrong == 0);
}

TEST_CASE("intervals share an axis that shows the near ones, and what is far out is an arrow", "[draw][chart]") {
  const auto chart = [](std::vector<ChartInterval> rows, int width = 760) {
    return IntervalChart({"title", "a note", "nats", "NLL", std::move(rows), {"chosen", "level", "other"}},
                         {.width = width});
  };
  const ChartInterval best{"best", "1.0", 0, 0, 0, IntervalShade::chosen}, near{"near", "1.1", 0.1, -0.1, 0.3};
  const auto [low, high] = chart({best, near}).range();
  CHECK((low < -0.1 && low > -0.13 && high > 0.3 && high < 0.33));
  CHECK(chart({best, near, {"next", "2.5", 1.5, 1.4, 1.6}}).range().second > 1.6);
  const IntervalChart far = chart({best, near, {"far", "9.5", 8.5, 8.4, 8.6}, {"none", "infinite", INFINITY}});
  CHECK(far.range().second == high);
  const std::string text = svg(far);
  for (const std::string word : {"8.5", "infinite", "far", "chosen", "other", "nats"}) CHECK(times(text, word) > 0);
  CHECK(times(text, ">level<") == 0);  // no row is
  // Its height follows its rows, text shrinks to a size that is given, and one too small is refused.
  CHECK(far.height() > chart({best, near}).height());
  CHECK(chart({best, near}, 300).width() == 300);
  CHECK_THROWS_AS(chart({best, near}, 30), std::invalid_argument);
  CHECK_THROWS_AS(chart({}), std::invalid_argument);
  CHECK_NOTHROW(chart({best, {"lone", "1.0", kNaN, kNaN, kNaN}}).whole());
}

TEST_CASE("texts of an interval chart stand apart and inside it at every size", "[draw][chart]") {
  const std::string name = GENERATE(std::string("kde"), std::string("runs/of/a/long/name/and/longer"));
  for (const auto& [width, scale] : {std::pair{760, 1.0}, {420, 1.0}, {300, 1.0}, {240, 1.0}, {1500, 2.0}}) {
    CAPTURE(name, width, scale);
    const IntervalFigure figure{"geyser.csv, 300 held-out rows",
                                "the kernel estimate is as good here as the flow, as far as 300 rows show: take it",
                                "nats behind the best, row by row, with the 95 % interval of the mean",
                                "NLL",
                                {{"runs/a", "3.9476 ± 0.0715", 0, 0, 0, IntervalShade::level},
                                 {name, "4.0499 ± 0.1326", 0.1, -0.06, 0.26, IntervalShade::chosen},
                                 {"gaussian", "4.6196 ± 0.0567", 0.67, 0.6, 0.75}},
                                {"recommended", "level with the best", "behind"}};
    const IntervalChart chart(figure, {.width = width, .scale = scale});
    TextBoxes texts;
    chart.draw(texts);
    CHECK(texts.boxes.size() > 12);
    for (const Rect& box : texts.boxes) {
      CHECK(contains({0, 0, chart.width(), chart.height()}, box));
      for (const Rect& other : texts.boxes)
        if (&other != &box) CHECK_FALSE(intersects(box, other));
    }
  }
}
