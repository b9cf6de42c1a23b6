#include <algorithm>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "tools/draw/canvas.hpp"
#include "tools/draw/colormap.hpp"
#include "tools/draw/colour_scale.hpp"
#include "tools/draw/font_subset.hpp"
#include "tools/draw/heatmap.hpp"
#include "tools/draw/layout.hpp"
#include "tools/draw/pdf.hpp"
#include "tools/draw/png.hpp"
#include "tools/draw/resample.hpp"
#include "tools/draw/svg.hpp"
#include "tools/draw/text.hpp"
#include "tools/draw/ticks.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#include <stb_image.h>

using namespace cnf;

namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr Rgb kWhite{255, 255, 255}, kBlack{0, 0, 0};

double distance(Rgb a, Rgb b) { return std::hypot(a.r - b.r, a.g - b.g, a.b - b.b); }

// The number a label was written for: its note undone.
double read_label(std::string text, const std::string& note) {
  const auto number = [](std::string s) {
    if (s.starts_with("\u2212")) s = "-" + s.substr(3);
    double v = 0;
    const auto end = std::from_chars(s.data(), s.data() + s.size(), v);
    REQUIRE(end.ptr == s.data() + s.size());
    return v;
  };
  REQUIRE((note.empty() || note.starts_with("\u00d710")));
  if (note.empty()) return number(text);
  int exponent = 0, sign = 1;
  for (std::size_t i = 4; i < note.size();) {  // after "×10"
    static const std::vector<std::string> digits{"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                                 "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    if (note.substr(i).starts_with("\u207b")) {
      sign = -1, i += 3;
      continue;
    }
    for (int d = 0; d < 10; ++d)
      if (note.substr(i).starts_with(digits[d])) {
        exponent = 10 * exponent + d, i += digits[d].size();
        break;
      }
  }
  return number(text) * std::pow(10.0, sign * exponent);
}

Canvas decoded(const std::string& png) {
  int w = 0, h = 0, n = 0;
  unsigned char* p = stbi_load_from_memory(reinterpret_cast<const unsigned char*>(png.data()),
                                           static_cast<int>(png.size()), &w, &h, &n, 0);
  REQUIRE(p != nullptr);
  REQUIRE(n == 3);
  Canvas canvas(w, h);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const unsigned char* q = p + 3 * (static_cast<std::size_t>(y) * w + x);
      canvas.set(x, y, {q[0], q[1], q[2]});
    }
  stbi_image_free(p);
  return canvas;
}

// The layout `heatmap` uses for this style.
FigureLayout layout_of(const Box& range, const FigureStyle& style, const ColourScale& scale) {
  FigureSpec spec{.width = style.width, .height = style.height, .scale = style.scale, .range = range};
  spec.aspect = style.aspect;
  spec.titles = {style.title}, spec.scales = {scale};
  spec.x_label = style.x_label, spec.y_label = style.y_label, spec.bar_label = style.bar_label;
  spec.bars = style.bars;
  return layout(spec);
}

Matrix<double> ramp(Index nx, Index ny) {
  return Matrix<double>::NullaryExpr(
      ny, nx, [&](Index j, Index i) { return static_cast<double>(i + j * nx) / static_cast<double>(nx * ny); });
}

}  // namespace

TEST_CASE("the colour maps are matplotlib's within 1/255", "[draw]") {
  // matplotlib.colormaps[name]([0, 64, 128, 192, 255]), to six decimals.
  struct Reference {
    Colormap map;
    double rgb[5][3];
  };
  static const Reference kReferences[] = {
      {Colormap::viridis,
       {{0.267004, 0.004874, 0.329415},
        {0.229739, 0.322361, 0.545706},
        {0.127568, 0.566949, 0.550556},
        {0.369214, 0.788888, 0.382914},
        {0.993248, 0.906157, 0.143936}}},
      {Colormap::magma,
       {{0.001462, 0.000466, 0.013866},
        {0.316654, 0.071690, 0.485380},
        {0.716387, 0.214982, 0.475290},
        {0.986700, 0.535582, 0.382210},
        {0.987053, 0.991438, 0.749504}}},
      {Colormap::inferno,
       {{0.001462, 0.000466, 0.013866},
        {0.341500, 0.062325, 0.429425},
        {0.735683, 0.215906, 0.330245},
        {0.978422, 0.557937, 0.034931},
        {0.988362, 0.998364, 0.644924}}},
      {Colormap::plasma,
       {{0.050383, 0.029803, 0.527975},
        {0.494877, 0.011990, 0.657865},
        {0.798216, 0.280197, 0.469538},
        {0.973416, 0.585761, 0.251540},
        {0.940015, 0.975158, 0.131326}}},
      {Colormap::cividis,
       {{0.000000, 0.135112, 0.304751},
        {0.263738, 0.307831, 0.422789},
        {0.488697, 0.485318, 0.471008},
        {0.736488, 0.680629, 0.424028},
        {0.995737, 0.909344, 0.217772}}},
      {Colormap::grey,
       {{0.000000, 0.000000, 0.000000},
        {0.250980, 0.250980, 0.250980},
        {0.501961, 0.501961, 0.501961},
        {0.752941, 0.752941, 0.752941},
        {1.000000, 1.000000, 1.000000}}},
  };
  for (const Reference& reference : kReferences)
    for (int k = 0; k < 5; ++k) {
      CAPTURE(name(reference.map), k);
      const Rgb c = entry(reference.map, std::min(255, 64 * k));
      CHECK(std::abs(c.r - 255 * reference.rgb[k][0]) <= 0.51);
      CHECK(std::abs(c.g - 255 * reference.rgb[k][1]) <= 0.51);
      CHECK(std::abs(c.b - 255 * reference.rgb[k][2]) <= 0.51);
    }
}

TEST_CASE("a colour map is found by its name, clamps, and shows NaN unlike any value", "[draw]") {
  for (const Colormap map : kAllColormaps) {
    CAPTURE(name(map));
    CHECK(colormap(name(map)) == map);
    CHECK(colour(map, -3) == entry(map, 0));
    CHECK(colour(map, kInf) == entry(map, 255));
    CHECK(colour(map, 1) == entry(map, 255));
    CHECK(colour(map, 0.5) == entry(map, 128));
    CHECK(colour(map, kNan) == nan_colour(map));
    for (int i = 0; i < 256; ++i) {
      CHECK(distance(nan_colour(map), entry(map, i)) >= 48);
      if (i > 0) CHECK(distance(entry(map, i - 1), entry(map, i)) < 8);  // no misread entry
    }
  }
  CHECK_THROWS_WITH(colormap("jet"), Catch::Contains("'jet'") && Catch::Contains("viridis, magma"));
}

TEST_CASE("a canvas clips what is drawn and mixes exactly", "[draw]") {
  Canvas canvas(8, 6, kWhite);
  canvas.fill({-5, -5, 8, 8}, kBlack);
  CHECK(canvas.at(2, 2) == kBlack);
  CHECK(canvas.at(3, 2) == kWhite);
  canvas.blend(4, 4, kBlack, 0.5);
  CHECK(canvas.at(4, 4) == Rgb{128, 128, 128});
  canvas.blend(-1, 9, kBlack, 1);
  const Point row[]{{-1e9, 0.5}, {1e9, 0.5}}, far[]{{1e300, 0}, {kNan, 0}};
  canvas.polyline(row, 1, kBlack, 1, canvas.bounds());
  CHECK(canvas.at(7, 0) == kBlack);
  CHECK(canvas.at(7, 1) == kWhite);
  canvas.discs(far, 3, kBlack, 1, canvas.bounds());
  canvas.polyline(far, 3, kBlack, 1, canvas.bounds());
  canvas.polygon(far, kBlack, 1, canvas.bounds());
  Canvas framed(7, 7, kWhite);
  framed.frame({2, 2, 3, 3}, 1, kBlack);
  CHECK(framed.at(1, 1) == kBlack);
  CHECK(framed.at(5, 3) == kBlack);
  CHECK(framed.at(2, 2) == kWhite);
  CHECK(framed.at(0, 3) == kWhite);
  CHECK_THROWS_AS(Canvas(0, 5), std::invalid_argument);
  CHECK_THROWS_AS(Canvas(5, Canvas::kMaxSide + 1), std::invalid_argument);
}

TEST_CASE("a disc covers its area wherever its centre lies within a pixel", "[draw]") {
  for (const double radius : {1.0, 1.3, 2.5, 6.0})
    for (const double shift : {0.0, 0.25, 0.5, 0.77}) {
      CAPTURE(radius, shift);
      double area = 0;
      for (int y = 0; y < 20; ++y)
        for (int x = 0; x < 20; ++x) area += disc_coverage(10 + shift, 10 + 0.3 * shift, radius, x, y);
      CHECK(area == Approx(3.14159265 * radius * radius).epsilon(radius < 2 ? 0.13 : 0.05));
    }
}

TEST_CASE("a thousand faint points add up as transparency does, in any order", "[draw]") {
  Discs discs({0, 0, 8, 8}), backwards({0, 0, 8, 8});
  for (int i = 0; i < 1000; ++i) discs.add(4, 4, 3, 0.001);
  Canvas canvas(8, 8, kBlack);
  discs.paint(canvas, kWhite);
  CHECK(canvas.at(4, 4).r == Approx(255 * (1 - std::pow(0.999, 1000))).margin(1));
  for (int i = 0; i < 50; ++i) discs.add(i % 7, i % 5, 1.5, 0.1);
  for (int i = 0; i < 1000; ++i) backwards.add(4, 4, 3, 0.001);
  for (int i = 49; i >= 0; --i) backwards.add(i % 7, i % 5, 1.5, 0.1);
  Canvas one(8, 8), other(8, 8);
  discs.paint(one, kBlack);
  backwards.paint(other, kBlack);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) CHECK(distance(one.at(x, y), other.at(x, y)) <= 2);
}

TEST_CASE("a line has the width asked for", "[draw]") {
  Canvas canvas(40, 40, kWhite);
  const Point ends[]{{5, 20}, {35, 20}};
  canvas.polyline(ends, 3, kBlack, 1, canvas.bounds());
  double ink = 0;
  for (int y = 0; y < 40; ++y) ink += 1 - canvas.at(20, y).r / 255.0;
  CHECK(ink == Approx(3).margin(0.02));
}

TEST_CASE("a line of many pieces is no darker where they meet, and stays inside its clip", "[draw]") {
  std::vector<Point> pieces;
  for (int i = 0; i <= 300; ++i) pieces.push_back({5 + 0.1 * i, 20.25});
  const Point ends[]{pieces.front(), pieces.back()};
  Canvas many(40, 40, kWhite), one(40, 40, kWhite);
  many.polyline(pieces, 1.5, kBlack, 0.5, {8, 0, 20, 40});
  one.polyline(ends, 1.5, kBlack, 0.5, {8, 0, 20, 40});
  int different = 0, outside = 0;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) {
      different += many.at(x, y) != one.at(x, y);
      outside += (x < 8 || x >= 28) && many.at(x, y) != kWhite;
    }
  CHECK(different == 0);
  CHECK(outside == 0);
  CHECK(one.at(20, 20).r < 140);
}

TEST_CASE("a polygon covers its area, to the share of a pixel", "[draw]") {
  const Point triangle[]{{3.2, 4.7}, {31.5, 9.1}, {12.3, 33.9}};
  Canvas canvas(40, 40, kWhite);
  canvas.polygon(triangle, kBlack, 1, canvas.bounds());
  double ink = 0;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) ink += 1 - canvas.at(x, y).r / 255.0;
  CHECK(ink == Approx(0.5 * std::abs(28.3 * 29.2 - 9.1 * 4.4)).epsilon(0.002));
  const Point frame[]{{0, 0}, {40, 0}, {40, 40}, {0, 40}, {0, 0}, {10, 10}, {10, 30}, {30, 30}, {30, 10}, {10, 10}};
  Canvas holed(40, 40, kWhite);
  holed.polygon(frame, kBlack, 1, holed.bounds());
  CHECK(holed.at(20, 20) == kWhite);
  CHECK(holed.at(35, 20) == kBlack);
}

TEST_CASE("ink stays inside the box measured, at every size", "[draw]") {
  const std::string text = "Agjy|(){}[]0123456789 \u221210\u207b\u00b9\u00b2 density, f(x)_Q \u00d7";
  for (const double size : {6.0, 9.0, 12.4, 15.2, 20.0, 31.0, 60.0}) {
    CAPTURE(size);
    const TextExtent e = measure(text, size);
    Canvas canvas(e.width + 40, e.height() + 40, kWhite);
    draw_text(canvas, 20, 20, text, size, kBlack);
    int outside = 0, inside = 0;
    for (int y = 0; y < canvas.height(); ++y)
      for (int x = 0; x < canvas.width(); ++x) {
        const bool in = x >= 20 && y >= 20 && x < 20 + e.width && y < 20 + e.height();
        (in ? inside : outside) += canvas.at(x, y).r < 250;
      }
    CHECK(outside == 0);
    CHECK(inside > 100);
  }
}

TEST_CASE("vertical text is the horizontal text turned, pixel for pixel", "[draw]") {
  const TextExtent e = measure("log p(y)", 17);
  Canvas flat(e.width, e.height()), upright(e.height(), e.width);
  draw_text(flat, 0, 0, "log p(y)", 17, kBlack);
  draw_text(upright, 0, 0, "log p(y)", 17, kBlack, true);
  for (int y = 0; y < e.height(); ++y)
    for (int x = 0; x < e.width; ++x) REQUIRE(flat.at(x, y) == upright.at(y, e.width - 1 - x));
}

TEST_CASE("digits stand on whole pixels and letters are kerned", "[draw]") {
  for (const double size : {9.0, 12.4, 17.0, 30.0}) {
    // The stem of an H fills its rows from the baseline to the height of a digit, and no other.
    const TextExtent e = measure("H", size);
    Canvas canvas(e.width, e.height(), kWhite);
    draw_text(canvas, 0, 0, "H", size, kBlack);
    const auto darkest = [&](int y) {
      int d = 255;
      for (int x = 0; x < e.width; ++x) d = std::min<int>(d, canvas.at(x, y).r);
      return d;
    };
    CAPTURE(size);
    CHECK(darkest(e.ascent - e.cap) == darkest(e.ascent - 2));
    CHECK(darkest(e.ascent - e.cap - 1) > 247);
    CHECK(darkest(e.ascent) > 247);
    CHECK(e.cap == Approx(size * 1493 / 2048).margin(0.51));
  }
  CHECK(measure("AVAVAVAV", 100).width < measure("AAAAVVVV", 100).width - 20);
}

TEST_CASE("malformed text is drawn as replacement characters, never refused", "[draw]") {
  for (const std::string text :
       {"\xff\xfe", "\xc3", "abc\xe2\x88", "\xf0\x9f\x98\x80", "\x80\x80", "\xc0\x80", "a\nb\tc"}) {
    Canvas canvas(60, 30);
    draw_text(canvas, 0, 0, text, 12, kBlack);
    CHECK(measure(text, 12).width > 0);
  }
  CHECK(measure("\xff", 40).width == measure("\ufffd", 40).width);
  CHECK(measure("a\nb", 40).width == measure("a b", 40).width);
  CHECK(measure("", 12).width == 0);
}

TEST_CASE("text too wide shrinks, then ends in an ellipsis, and always fits", "[draw]") {
  const std::string text = "un d\u00e9licat titre \u00e0 rallonge";
  const int full = measure(text, 20).width;
  CHECK(fit_text(text, 20, full).size == 20);
  const FittedText smaller = fit_text(text, 20, full * 9 / 10);
  CHECK(smaller.text == text);
  CHECK(smaller.size >= 0.75 * 20);
  bool shrank = true;
  for (int width = full; width >= 0; width -= 3) {
    const FittedText fitted = fit_text(text, 20, width);
    CAPTURE(width, fitted.text);
    CHECK(measure(fitted.text, fitted.size).width <= width);
    if (fitted.text != text && !fitted.text.empty()) CHECK(fitted.text.ends_with("\u2026"));
    if (fitted.text != text) shrank = false;
    if (fitted.text == text) CHECK(shrank);  // once cut, never whole again
  }
  CHECK(fit_text(std::string(1'000'000, 'w'), 12, 100).text.ends_with("\u2026"));
}

TEST_CASE("tick steps run 1, 2, 5", "[draw]") {
  CHECK(tick_step(0.7) == TickStep{1, 0});
  CHECK(tick_step(1) == TickStep{1, 0});
  CHECK(tick_step(1.01) == TickStep{2, 0});
  CHECK(tick_step(3e-7) == TickStep{5, -7});
  CHECK(tick_step(5.1e12) == TickStep{1, 13});
  CHECK(TickStep{5, -1}.coarser() == TickStep{1, 0});
  CHECK(TickStep{1, -1}.value() == 0.1);
}

TEST_CASE("tick labels carry no digit of noise", "[draw]") {
  const Ticks tenths = linear_ticks(-0.3, 0.3, {1, -1});
  CHECK(tenths.text == std::vector<std::string>{"\u22120.3", "\u22120.2", "\u22120.1", "0.0", "0.1", "0.2", "0.3"});
  CHECK(tenths.at == std::vector<double>{-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3});
  CHECK(linear_ticks(0, 3000, {1, 3}).text == std::vector<std::string>{"0", "1000", "2000", "3000"});
  const Ticks small = linear_ticks(0, 0.004, {2, -3});
  CHECK(small.text == std::vector<std::string>{"0", "2", "4"});
  CHECK(small.note == "\u00d710\u207b\u00b3");
  const Ticks far = linear_ticks(1e6, 1e6 + 2, {1, 0});
  CHECK(far.text == std::vector<std::string>{"0", "1", "2"});
  CHECK(far.note == "+10\u2076");
  const Ticks both = linear_ticks(-2e9 - 4, -2e9, {2, 0});
  CHECK(both.text == std::vector<std::string>{"6", "8", "10"});
  CHECK(both.note == "\u22122.00000001\u00d710\u2079");
  CHECK_THROWS_AS(linear_ticks(1, 1, {1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(linear_ticks(0, kInf, {1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(linear_ticks(0, kNan, {1, 0}), std::invalid_argument);
}

TEST_CASE("a tick's label, its note undone, is its position", "[draw]") {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const double width = std::pow(10.0, 24 * uniform({5}, Purpose::data, 0, i, 0) - 12);
    const double low = width * 40 * (uniform({5}, Purpose::data, 0, i, 1) - 0.5), high = low + width;
    const Ticks ticks = linear_ticks(low, high, tick_step(width / 7));
    CAPTURE(low, high, ticks.note);
    REQUIRE(ticks.at.size() >= 2);
    REQUIRE(ticks.at.size() <= 8);
    if (ticks.note.find('+') != std::string::npos || ticks.note.find("\u2212") != std::string::npos) continue;
    for (std::size_t k = 0; k < ticks.at.size(); ++k) {
      CHECK(read_label(ticks.text[k], ticks.note) == Approx(ticks.at[k]).epsilon(1e-12).margin(1e-9 * width));
      CHECK(ticks.text[k].size() <= 9);
    }
  }
}

TEST_CASE("logarithmic ticks are decades, thinned when many, subdivided when few", "[draw]") {
  const Ticks plain = log_ticks(1e-6, 1e-1, 10);
  CHECK(plain.text.size() == 6);
  CHECK(plain.text.front() == "10\u207b\u2076");
  CHECK(plain.minor.size() == 5 * 8);
  const Ticks many = log_ticks(1e-300, 1, 6);
  CHECK(many.at.size() <= 6);
  CHECK(many.at.size() >= 4);
  CHECK(many.minor.empty());
  CHECK(many.text.back() == "10\u2070");
  const Ticks few = log_ticks(0.3, 7, 6);
  CHECK(few.text == std::vector<std::string>{"0.5", "1", "2", "5"});
  const Ticks narrow = log_ticks(3.1, 3.9, 6);
  CHECK(narrow.at.size() >= 2);
  CHECK(log_ticks(0.01, 100, 8).text == std::vector<std::string>{"0.01", "0.1", "1", "10", "100"});
  CHECK_THROWS_AS(log_ticks(0, 1, 5), std::invalid_argument);
}

TEST_CASE("a colour scale spans its values, and a single value lies in the middle", "[draw]") {
  const auto scale = [](const std::vector<double>& v, bool log) {
    ColourLimits limits;
    limits.include(Eigen::Map<const Matrix<double>>(v.data(), static_cast<Index>(v.size()), 1));
    return limits.scale(log ? Scaling::log : Scaling::linear, 0, {}, {});
  };
  const ColourScale linear = scale({2, kNan, -kInf, 10}, false);
  CHECK(linear(2) == 0);
  CHECK(linear(4) == 0.25);
  CHECK(linear(10) == 1);
  CHECK(linear(-kInf) == 0);
  CHECK(linear(kInf) == 1);
  CHECK(std::isnan(linear(kNan)));
  CHECK(linear.value(0.25) == 4);
  const ColourScale log = scale({0, -1, 1e-9, 1e-2, 1}, true);
  CHECK(log.low == Approx(1e-6));
  CHECK(log(1e-3) == Approx(0.5));
  CHECK(log(0) == 0);
  CHECK(log.value(0.5) == Approx(1e-3));
  for (const double v : {3.0, -3.0, 1e-300, 1.7e308, -1.7e308, 5e-324}) {
    CAPTURE(v);
    const ColourScale constant = scale({v, v}, false);
    CHECK(constant.low < constant.high);
    if (std::abs(v) > 1e-290 && std::abs(v) < 1e307) CHECK(constant(v) == Approx(0.5));
    CHECK(scale({std::abs(v)}, true).low < scale({std::abs(v)}, true).high);
  }
  CHECK(scale({0, 0}, false).high == 1);
  CHECK(scale({kNan}, false).high == 1);
  CHECK(scale({kNan, 0}, true).high == 1);
  const ColourScale extreme = scale({-1.7e308, 1.7e308}, false);
  CHECK(extreme(0) == Approx(0.5));
  CHECK_THROWS_AS(ColourLimits().scale(Scaling::linear, 0, 2.0, 1.0), std::invalid_argument);
  CHECK_THROWS_AS(ColourLimits().scale(Scaling::log, 0, 0.0, 1.0), std::invalid_argument);
  CHECK_THROWS_AS(ColourLimits().scale(Scaling::linear, 0, kNan, {}), std::invalid_argument);
}

TEST_CASE("a colour scale ends at the density that the share of mass exceeds, and mass is a share", "[draw]") {
  // Of a round Gaussian the share 1 - c of the mass lies where the density is above c times its greatest.
  const auto gaussian = [](Index n, double sigma, double weight) {
    return Matrix<double>::NullaryExpr(n, n, [=](Index j, Index i) {
      const double x = (static_cast<double>(i) + 0.5) / static_cast<double>(n) * 12 - 6;
      const double y = (static_cast<double>(j) + 0.5) / static_cast<double>(n) * 12 - 6;
      return weight / (sigma * sigma) * std::exp(-(x * x + y * y) / (2 * sigma * sigma));
    });
  };
  for (const Index n : {300, 1500}) {  // all cells, and every third
    ColourLimits limits;
    limits.include(gaussian(n, 1, 1));
    const ColourScale clipped = limits.scale(Scaling::linear, 0.1, {}, {});
    CHECK(clipped.high == Approx(0.9).margin(0.003));
    CHECK(clipped.above);
    CHECK(limits.scale(Scaling::sqrt, 0.1, {}, {})(0.225) == Approx(0.5).margin(0.002));
    CHECK(limits.scale(Scaling::log, 0.1, {}, {}).high == Approx(0.9).margin(0.003));
    CHECK_FALSE(limits.scale(Scaling::linear, 0, {}, {}).above);
    CHECK_FALSE(limits.scale(Scaling::mass, 0.1, {}, {}).above);
    for (const double v : {0.1, 0.35, 0.8}) {
      CHECK(limits.scale(Scaling::mass, 0, {}, {})(v) == Approx(v).margin(0.003));
      CHECK(limits.scale(Scaling::brighter, 0, {}, {})(v) == Approx(v).margin(0.003));
    }
    for (const Scaling scaling : kAllScalings) {
      const ColourScale scale = limits.scale(scaling, 0.02, {}, {});
      for (const double t : {0.05, 0.3, 0.7, 0.95}) CHECK(scale(scale.value(t)) == Approx(t).margin(0.002));
    }
  }
  // Half of the mass in a spike: linear leaves the rest dark, the default does not.
  ColourLimits spiked;
  spiked.include(Matrix<double>(gaussian(600, 0.05, 1) + gaussian(600, 1.5, 1)));
  const double broad = 1 / 2.25 / 2;
  CHECK(spiked.scale(Scaling::linear, 0.02, {}, {})(broad) < 0.002);
  CHECK(spiked.scale(Scaling::brighter, 0.02, {}, {})(broad) == Approx(0.25).margin(0.01));
  // Even mass with ripples of a tenth: their share would fill the range, the default is linear.
  const Matrix<double> even = Matrix<double>::NullaryExpr(
      200, 200, [](Index, Index i) { return 1 + 0.1 * std::sin(0.3 * static_cast<double>(i)); });
  ColourLimits rippled;
  rippled.include(even);
  rippled.include(Matrix<double>::Zero(5, 5));
  CHECK(rippled.scale(Scaling::mass, 0, {}, {})(0.92) < 0.3);
  CHECK(rippled.scale(Scaling::brighter, 0, {}, {})(0.92) == Approx(0.92 / 1.1).margin(0.01));
  // Grids of other sizes count alike.
  ColourLimits two;
  two.include(Matrix<double>::Constant(400, 400, 1));
  two.include(Matrix<double>::Constant(2, 2, 3));
  CHECK(two.scale(Scaling::mass, 0, {}, {}).levels[200] == 1);
  CHECK(two.scale(Scaling::mass, 0, {}, {}).levels[300] == 3);
  CHECK(ColourLimits().scale(Scaling::mass, 0.02, {}, {}).scaling == Scaling::linear);
  for (const Scaling scaling : kAllScalings) CHECK(cnf::scaling(name(scaling)) == scaling);
  CHECK_THROWS_WITH(cnf::scaling("cubic"), Catch::Contains("auto, linear, sqrt, log, mass"));
}

TEST_CASE("ticks of a scale of any shape are round, apart, and read as what they stand at", "[draw]") {
  for (const double high : {0.23, 9.9, 1e-7, 3e4, 7.7e12, 1.0})
    for (const double power : {0.5, 0.25, 0.1}) {
      const auto place = [&](double v) { return std::pow(v / high, power); };
      const Ticks ticks = spread_ticks(0, high, 6, place);
      CAPTURE(high, power, ticks.note);
      REQUIRE(ticks.at.size() >= 3);
      CHECK(ticks.text.front() == "0");
      for (std::size_t i = 1; i < ticks.at.size(); ++i) {
        CHECK(place(ticks.at[i]) - place(ticks.at[i - 1]) >= 1 / 6. - 1e-9);
        if (!ticks.text[i].starts_with("10"))
          CHECK(read_label(ticks.text[i], ticks.note) == Approx(ticks.at[i]).epsilon(1e-12));
        CHECK(measure(ticks.text[i], 12).width <= measure("\u22120.00", 12).width);
      }
    }
  // Close ticks on most of the scale, and its foot far below: no decades for the sake of the foot.
  const Ticks footed = spread_ticks(0, 0.23, 9, [](double v) { return std::max(v / 0.23, 0.2 + std::log10(v) / 30); });
  CHECK(footed.text == std::vector<std::string>{"0", "0.05", "0.1", "0.2"});
  const Ticks linear = spread_ticks(0.5, 0.7, 6, [](double v) { return (v - 0.5) / 0.2; });
  CHECK(linear.at.size() >= 3);
}

TEST_CASE("nothing in a figure overlaps, at any size and scale", "[draw]") {
  const Box boxes[] = {{-4, 4, -4, 4}, {-8, 8, -1, 1}, {0, 1, 0, 40}, {1e6, 1e6 + 3, 0, 3e-5}};
  const ColourScale scales[] = {{0, 0.22, Scaling::linear, true},
                                {1e-7, 0.3, Scaling::log},
                                {-1234.5, 1e5},
                                {1e-300, 1, Scaling::log, true},
                                {100.0001, 100.0002},
                                {0, 3e-4, Scaling::sqrt, true},
                                {0, 12, Scaling::brighter, false, {0, 1e-7, 3e-5, 0.01, 0.5, 12}},
                                {1e-9, 4, Scaling::mass, false, {1e-9, 1, 4}}};
  const std::string titles[] = {"", "model",
                                "a title that is much longer than the picture it belongs to could ever be"};
  int figures = 0;
  for (const int size : {200, 300, 640, 1500, 4000})
    for (const int height : {0, 200, 700, 4000})
      for (const double scale : {1.0, 1.7, 4.0})
        for (const int n : {1, 2, 4, 5}) {
          FigureSpec spec{.width = size, .height = height, .scale = scale};
          const int k = figures++;
          spec.range = boxes[k % 4];
          spec.aspect = k % 3 == 0 ? 0 : k % 7 == 0 ? 1.4 : 1;
          spec.columns = n == 5 ? 2 : n;
          spec.title = n > 1 ? titles[k % 3] : "";
          if (k % 5 != 0)
            spec.x_label = "x", spec.y_label = "second coordinate, in metres",
            spec.bar_label = "density, per unit of x × y", spec.short_bar_label = "density";
          spec.bars = n == 1 || k % 2 ? Bars::each : Bars::shared;
          spec.titles.assign(n, titles[(k / 3) % 3]);
          spec.scales.assign(n, scales[k % 8]);
          if (n == 4) spec.scales[3].reset();
          CAPTURE(size, height, scale, n, k);
          const FigureLayout l = layout(spec);
          const Rect canvas{0, 0, l.width, l.height};
          CHECK(l.width == size);
          if (height != 0) CHECK(l.height == height);
          std::vector<Rect> solid;
          const auto with_arrow = [](Rect bar, int arrow) { return Rect{bar.x, bar.y - arrow, bar.w, bar.h + arrow}; };
          solid = {with_arrow(l.shared_bar, l.shared_arrow)};
          for (const PanelLayout& panel : l.panels)
            solid.push_back(panel.plot), solid.push_back(with_arrow(panel.bar, panel.arrow));
          for (Rect& rect : solid)
            if (rect.w > 0) rect = {rect.x - l.line, rect.y - l.line, rect.w + 2 * l.line, rect.h + 2 * l.line};
          bool clean = true;
          const auto apart = [&](const std::vector<Rect>& rects) {
            for (std::size_t i = 0; i < rects.size(); ++i)
              for (std::size_t j = 0; j < i; ++j) clean = clean && !intersects(rects[i], rects[j]);
          };
          apart(solid);
          CHECK(clean);
          std::vector<Rect> all = solid;
          for (const Label& label : l.labels) all.push_back(label.box);
          apart(all);
          CHECK(clean);
          for (const Rect& mark : l.marks) {
            clean = clean && contains(canvas, mark);
            for (const Label& label : l.labels) clean = clean && !intersects(mark, label.box);
          }
          CHECK(clean);
          for (const Rect& rect : all) clean = clean && (rect.w == 0 || contains(canvas, rect));
          CHECK(clean);
          CHECK(l.panels[0].plot.w >= 8);
          CHECK(l.panels[0].plot.h >= 8);
          CHECK(l.scale <= scale);
          // Texts of bars are whole or short or left out, and a note that numbers need is never cut.
          for (const Label& label : l.labels) {
            const bool of_bar = label.text.starts_with("density");
            if (of_bar) CHECK((label.text == spec.bar_label || label.text == spec.short_bar_label));
            const bool cut = label.text.ends_with("\u2026") || label.text.ends_with("\u2026)");
            const bool noted = label.text.find(" (\u00d7") != std::string::npos;
            if (cut) CHECK_FALSE((noted && label.text.ends_with("\u2026)")));
          }
        }
}

TEST_CASE("an ordinary figure keeps its scale, and every axis at least two labels", "[draw]") {
  for (const int size : {200, 400, 800, 1600, 4000}) {
    FigureStyle style{.width = size, .title = "t", .x_label = "x", .y_label = "y", .bar_label = "p"};
    const FigureLayout l = layout_of({-4, 4, -4, 4}, style, {0, 0.2});
    CAPTURE(size);
    CHECK(l.scale >= (size >= 400 ? 1 : 0.6));
    const Rect plot = l.panels[0].plot;
    int below = 0, left = 0, right = 0;
    for (const Label& label : l.labels) {
      below += label.box.y >= plot.bottom() && label.text != "x";
      left += label.box.right() <= plot.x && label.text != "y";
      right += label.box.x >= l.panels[0].bar.right() && label.text != "p";
    }
    CHECK(below >= 3);
    CHECK(left >= 3);
    CHECK(right >= 2);
    CHECK(std::abs(plot.w - plot.h) <= 1);
    CHECK(plot.w >= 0.38 * size);
  }
}

TEST_CASE("labels that have no room: a bar's is the short one, an axis's keeps its note", "[draw]") {
  FigureSpec spec{.width = 500, .height = 150, .range = {1.7e9, 1.7e9 + 300, 5e6, 5e6 + 1}, .aspect = 0};
  spec.titles = {""}, spec.scales = {ColourScale{0, 3e-5}};
  spec.x_label = std::string(80, 'x'), spec.y_label = std::string(80, 'y');
  spec.bar_label = "density, per unit of something long \u00d7 of something else that is long";
  spec.short_bar_label = "density";
  const auto has = [&](const auto& wanted) {
    const FigureLayout l = layout(spec);
    return std::any_of(l.labels.begin(), l.labels.end(), [&](const Label& label) { return wanted(label.text); });
  };
  CHECK(has([](const std::string& text) { return text == "density"; }));
  CHECK_FALSE(has([](const std::string& text) { return text.starts_with("density,"); }));
  CHECK(has([](const std::string& text) { return text.starts_with("x") && text.ends_with("+1.7\u00d710\u2079)"); }));
  CHECK(has([](const std::string& text) { return text.find("+5\u00d710\u2076") != std::string::npos; }));
  spec.height = 600;
  CHECK(has([&](const std::string& text) { return text == spec.bar_label; }));
}

TEST_CASE("an arrow on the bar says that there are values above it", "[draw]") {
  Matrix<double> grid = Matrix<double>::Constant(20, 20, 1);
  grid(3, 3) = 40, grid(7, 9) = 0;
  FigureStyle style{.width = 400, .scaling = Scaling::linear, .clip = 0.3};
  const Box range{0, 1, 0, 1};
  ColourLimits limits;
  limits.include(grid);
  const ColourScale scale = limits.scale(style.scaling, style.clip, {}, {});
  CHECK(scale.high == 1);
  const Canvas with = heatmap(grid, range, style);
  const FigureLayout l = layout_of(range, style, scale);
  const Rect bar = l.panels[0].bar, plot = l.panels[0].plot;
  REQUIRE(l.panels[0].arrow > 5);
  CHECK(bar.y - l.panels[0].arrow == plot.y);
  CHECK(with.at(bar.x + bar.w / 2, bar.y - 1) == entry(style.map, 255));
  CHECK(with.at(bar.x + bar.w / 2, bar.y - 4) == entry(style.map, 255));
  CHECK(with.at(bar.x, plot.y) == kWhite);
  style.clip = 0;
  const Canvas without = heatmap(grid, range, style);
  CHECK(layout_of(range, style, {0, 40}).panels[0].arrow == 0);
  CHECK(without.at(bar.x, plot.y) == entry(style.map, 255));
}

TEST_CASE("plots of any shape have one area, and wide panels go below each other", "[draw]") {
  const auto area_of = [](double ratio, bool kept) {
    FigureStyle style{.width = 720, .title = "t", .x_label = "x", .y_label = "y", .bar_label = "p"};
    const Box range{0, ratio, 0, 1};
    if (kept) keep_area(style, range, {style.title});
    const PlotArea area = plot_area_pixels(range, style);
    CHECK(1.0 * area.width / area.height == Approx(ratio).epsilon(0.02));
    return 1.0 * area.width * area.height;
  };
  for (const double ratio : {0.4, 0.7, 1.0, 2.0, 2.9})
    CHECK(area_of(ratio, true) == Approx(area_of(1, false)).epsilon(0.07));
  CHECK(area_of(6, true) > 3 * area_of(6, false));  // twice as wide at most
  CHECK(panel_columns(4, 1) == 4);
  CHECK(panel_columns(4, 0) == 4);
  CHECK(panel_columns(4, 2.5) == 2);
  CHECK(panel_columns(4, 9) == 1);
  CHECK(panel_columns(3, 3) == 1);
  CHECK(panel_columns(1, 9) == 1);
}

TEST_CASE("a plot's size does not depend on the values drawn", "[draw]") {
  for (const bool log : {false, true})
    for (const double high : {1e-12, 0.2, 1.0, 12345.0, 1e30}) {
      const FigureStyle style{.width = 500, .title = "t", .bar_label = "p"};
      const PlotArea area = plot_area_pixels({-4, 4, -4, 4}, style);
      const FigureLayout l =
          layout_of({-4, 4, -4, 4}, style, {log ? high / 1e6 : 0, high, log ? Scaling::log : Scaling::linear});
      CHECK(l.panels[0].plot.w == area.width);
      CHECK(l.panels[0].plot.h == area.height);
    }
}

TEST_CASE("what cannot be laid out is refused by name", "[draw]") {
  const Matrix<double> grid = ramp(4, 4);
  const auto refused = [&](const Box& range, const FigureStyle& style, const char* what) {
    CHECK_THROWS_WITH(heatmap(grid, range, style), Catch::Contains(what));
  };
  const Box fine{-1, 1, -1, 1};
  refused(fine, {.width = 20}, "width is 20");
  refused(fine, {.width = 300, .height = 99999}, "height is 99999");
  refused(fine, {.scale = 0}, "scale is 0");
  refused(fine, {.scale = kNan}, "scale is");
  refused({1, 1, 0, 1}, {}, "x runs from 1");
  refused({0, 1, kNan, 1}, {}, "y runs from");
  refused({0, 1, 2, 1}, {}, "y runs from 2");
  refused({-kInf, 1, 0, 1}, {}, "x runs from -inf");
  refused(fine, {.low = 2, .high = 1}, "upper end");
  CHECK_THROWS_WITH(heatmap(Matrix<double>(), fine, {}), Catch::Contains("empty"));
  CHECK_THROWS_WITH(heatmap(grid, fine, {}, Batch::Zero(3, 5)), Catch::Contains("3 x 5"));
  const std::vector<Panel> crowd(60, Panel{});
  CHECK_THROWS_WITH(panels(crowd, fine, {.width = 200}), Catch::Contains("60 panels"));
  CHECK_THROWS_AS(panels({}, fine, {}), std::invalid_argument);
}

TEST_CASE("a grid of the plot's size is drawn cell for pixel, row 0 lowest", "[draw]") {
  const Box range{-2, 2, -1, 3};
  for (const Colormap map : kAllColormaps) {
    const FigureStyle style{.width = 240, .map = map, .title = "cells"};
    const PlotArea area = plot_area_pixels(range, style);
    const Matrix<double> grid = ramp(area.width, area.height);
    const Canvas canvas = decoded(encode_png(heatmap(grid, range, style)));
    const ColourScale scale{grid.minCoeff(), grid.maxCoeff()};
    const Rect plot = layout_of(range, style, scale).panels[0].plot;
    int wrong = 0;
    for (int y = 0; y < plot.h; ++y)
      for (int x = 0; x < plot.w; ++x) {
        const double t = (grid(y, x) - scale.low) / (scale.high - scale.low);
        wrong += distance(canvas.at(plot.x + x, plot.bottom() - 1 - y), entry(map, static_cast<int>(256 * t))) > 3;
        wrong += canvas.at(plot.x + x, plot.bottom() - 1 - y) != colour(map, scale(grid(y, x)));
      }
    CAPTURE(name(map));
    CHECK(wrong == 0);
  }
}

TEST_CASE("ticks and frame stand on the right pixels", "[draw]") {
  const Box range{-4, 4, -3, 5};
  const FigureStyle style{.width = 640, .title = "t", .x_label = "x", .y_label = "y"};
  const Canvas canvas = decoded(encode_png(heatmap(ramp(3, 3), range, style)));
  const FigureLayout l = layout_of(range, style, {0, 8. / 9});
  const Rect plot = l.panels[0].plot, bar = l.panels[0].bar;
  const auto dark = [&](int x, int y) { return canvas.at(x, y).r < 60 && canvas.at(x, y).g < 60; };
  // Along the row just below the frame: exactly the ticks.
  std::vector<double> found;
  for (int x = plot.x - 1; x < bar.x - 2; ++x)
    if (dark(x, plot.bottom() + 1)) found.push_back(x);
  REQUIRE(found.size() == 9);
  for (int k = 0; k < 9; ++k) CHECK(std::abs(found[k] + 0.5 - (plot.x + k * plot.w / 8.0)) <= 1);
  found.clear();
  for (int y = 0; y <= plot.bottom(); ++y)
    if (dark(plot.x - 2, y)) found.push_back(y);
  REQUIRE(found.size() == 9);
  for (int k = 0; k < 9; ++k) CHECK(std::abs(found[8 - k] + 0.5 - (plot.bottom() - k * plot.h / 8.0)) <= 1);
  found.clear();
  for (int y = 0; y < canvas.height(); ++y)
    if (dark(bar.right() + 1, y)) found.push_back(y);
  REQUIRE(found.size() == 9);  // 0.0, 0.1, ..., 0.8 of 8/9
  for (int k = 0; k < 9; ++k) CHECK(std::abs(found[8 - k] + 0.5 - (bar.bottom() - 0.1 * k / (8. / 9) * bar.h)) <= 1);
  for (const int x : {plot.x - 1, plot.right()})
    for (int y = plot.y - 1; y <= plot.bottom(); ++y) REQUIRE(dark(x, y));
  CHECK(canvas.at(plot.x - 1, plot.y - 2) == kWhite);
  // Each tick's label is centred under it.
  for (const Label& label : l.labels)
    if (label.text == "2" && label.box.y > plot.bottom())
      CHECK(std::abs(label.box.x + label.box.w / 2.0 - (plot.x + 0.75 * plot.w)) <= 1.5);
}

TEST_CASE("the ticks at both ends of an axis continue the frame", "[draw]") {
  for (const int line : {1, 2, 3}) {
    CHECK(tick_pixel(50, 50, 200, line) == 50 - line);
    CHECK(tick_pixel(250, 50, 200, line) == 250);
    for (double p = 51; p < 249; p += 0.3) CHECK(std::abs(tick_pixel(p, 50, 200, line) + line / 2.0 - p) <= 0.5);
  }
}

TEST_CASE("the colour bar shows the scale the cells are drawn with", "[draw]") {
  for (const bool log : {false, true}) {
    const FigureStyle style{
        .width = 500, .map = Colormap::magma, .scaling = log ? Scaling::log : Scaling::linear, .low = 1e-4, .high = 10};
    const Box range{0, 1, 0, 1};
    for (const double v : {2e-4, 1e-3, 0.5, 3.0, 9.0}) {
      const Canvas canvas = heatmap(Matrix<double>::Constant(1, 1, v), range, style);
      const ColourScale scale{1e-4, 10, log ? Scaling::log : Scaling::linear};
      const FigureLayout l = layout_of(range, style, scale);
      const Rect plot = l.panels[0].plot, bar = l.panels[0].bar;
      const int y = std::clamp(static_cast<int>(bar.bottom() - scale(v) * bar.h), bar.y, bar.bottom() - 1);
      CAPTURE(log, v);
      CHECK(distance(canvas.at(plot.x + 5, plot.y + 5), canvas.at(bar.x + 3, y)) < 8);  // a step of the map apart
    }
  }
}

TEST_CASE("grids without contrast, without values and of one cell are drawn", "[draw]") {
  const Box range{-1, 1, -1, 1};
  for (const bool log : {false, true})
    for (const double v : {0.0, 5.0, -5.0, kNan, kInf, -kInf, 1e-310}) {
      const FigureStyle style{.width = 220, .scaling = log ? Scaling::log : Scaling::linear, .bar_label = "p"};
      CAPTURE(log, v);
      for (const Index n : {1, 7, 500}) {
        const Canvas canvas = heatmap(Matrix<double>::Constant(n, n, v), range, style);
        const PlotArea area = plot_area_pixels(range, style);
        const Rect plot = layout_of(range, style, {}).panels[0].plot;
        const Rgb expected = std::isnan(v)                ? nan_colour(style.map)
                             : v == kInf                  ? entry(style.map, 255)
                             : v <= 0 && (log || v != -5) ? entry(style.map, 0)
                                                          : canvas.at(plot.x, plot.y);
        CHECK(canvas.at(plot.x, plot.y) == expected);
        CHECK(canvas.at(plot.x + area.width - 1, plot.y + area.height - 1) == expected);
        CHECK(canvas.at(plot.x - 1, plot.y) != expected);
      }
    }
}

TEST_CASE("extreme aspect ratios are drawn", "[draw]") {
  for (const bool equal : {false, true})
    for (const double ratio : {1e-6, 0.05, 0.3, 8.0, 100.0, 1e7}) {
      FigureStyle style{.width = 400, .title = "t", .x_label = "x", .y_label = "y"};
      style.aspect = equal;
      const Box range{0, ratio, 0, 1};
      CAPTURE(equal, ratio);
      const PlotArea area = plot_area_pixels(range, style);
      const Canvas canvas = heatmap(ramp(area.width, area.height), range, style);
      CHECK(canvas.width() == 400);
      CHECK(canvas.height() <= 800);
      if (equal && ratio >= 0.3 && ratio <= 8)
        CHECK(static_cast<double>(area.width) / area.height == Approx(ratio).epsilon(0.02));
    }
  CHECK(heatmap(ramp(5, 5), {0, 1, 0, 1}, {.width = 4000, .height = 200, .scale = 4}).height() == 200);
  CHECK(heatmap(ramp(5, 5), {0, 1, 0, 1}, {.width = 200, .height = 4000}).height() == 4000);
}

TEST_CASE("fewer cells than pixels have sharp edges, more are averaged", "[draw]") {
  Matrix<double> two(1, 2);
  two << 1, 2;
  const Matrix<double> wide = resample(two, 8, 3, 0, 3);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 8; ++x) CHECK(wide(y, x) == (x < 4 ? 1 : 2));
  for (const int w : {1, 3, 7, 10, 41}) {
    const Matrix<double> fine = ramp(97, 53), coarse = resample(fine, w, 10, 0, 10);
    CHECK(coarse.mean() == Approx(fine.mean()).epsilon(1e-13));
  }
  Matrix<double> three(3, 1);
  three << 1, 4, 7;
  const Matrix<double> pair = resample(three, 1, 2, 0, 2);
  CHECK(pair(0, 0) == Approx((1 + 4 / 2.) / 1.5).epsilon(1e-15));
  CHECK(pair(1, 0) == Approx((4 / 2. + 7) / 1.5).epsilon(1e-15));
  Matrix<double> holed = ramp(8, 8);
  holed(5, 2) = kNan;
  const Matrix<double> small = resample(holed, 4, 4, 0, 4);
  CHECK(std::isnan(small(2, 1)));
  CHECK(small.array().isNaN().count() == 1);
  const Matrix<double> same = ramp(5, 6);
  CHECK(resample(same, 5, 6, 0, 6) == same);
}

TEST_CASE("points land where their coordinates say, and only inside the plot", "[draw]") {
  const Box range{-4, 4, -4, 4};
  FigureStyle style{.width = 400};
  style.points = {.radius = 2, .alpha = 1, .colour = {255, 0, 0}};
  Batch points(2, 5);
  points << 1, 4, 5, kNan, -1e300,  //
      -2, 4, 0, 1, 0;
  const Canvas canvas = heatmap(Matrix<double>::Zero(2, 2), range, style, points);
  const Rect plot = layout_of(range, style, {}).panels[0].plot;
  double weight = 0, x_mean = 0, y_mean = 0;
  for (int y = 0; y < canvas.height(); ++y)
    for (int x = 0; x < canvas.width(); ++x) {
      const Rgb c = canvas.at(x, y);
      const bool red = c.r > 150 && c.g < 10 && c.b < 90;
      if (!red) continue;
      CHECK(contains(plot, {x, y, 1, 1}));
      if (x < plot.x + 0.9 * plot.w) weight += c.r, x_mean += c.r * (x + 0.5), y_mean += c.r * (y + 0.5);
    }
  REQUIRE(weight > 0);
  CHECK(x_mean / weight == Approx(plot.x + 5. / 8 * plot.w).margin(0.3));
  CHECK(y_mean / weight == Approx(plot.y + 6. / 8 * plot.h).margin(0.3));
}

TEST_CASE("points grow and thicken as they become few, and keep what a style says", "[draw]") {
  const PointStyle usual{};
  double radius = 9, alpha = 1;
  for (const Index n : {10, 100, 1000, 10'000, 100'000, 1'000'000}) {
    const PointStyle style = usual.of_number(n, 300 * 300);
    CHECK(style.radius <= radius);
    CHECK(style.alpha <= alpha);
    radius = style.radius, alpha = style.alpha;
  }
  CHECK(usual.of_number(50, 9e4).alpha == 0.85);
  CHECK(alpha == 0.06);
  CHECK(PointStyle{.radius = 3, .alpha = 0.7}.of_number(1'000'000, 9e4).alpha == 0.7);
}

TEST_CASE("panels share size, rows and one scale", "[draw]") {
  const Box range{-4, 4, -4, 4};
  FigureStyle style{.width = 900, .bars = Bars::shared, .title = "all", .x_label = "x", .y_label = "y"};
  const std::vector<Panel> four{{"data", Matrix<double>::Constant(2, 2, 1), {}},
                                {"truth", Matrix<double>::Constant(30, 30, 2), {}},
                                {"model", Matrix<double>::Constant(1, 1, 3), {}},
                                {"samples", {}, Batch::Zero(2, 10)}};
  const PlotArea area =
      plot_area_pixels(range, style, {"data", "truth", "model", "samples"}, {true, true, true, false});
  FigureSpec spec{.width = 900, .columns = 4, .title = "all", .x_label = "x", .y_label = "y", .bars = Bars::shared};
  spec.titles = {"data", "truth", "model", "samples"};
  spec.scales = {ColourScale{1, 3}, ColourScale{1, 3}, ColourScale{1, 3}, {}};
  const FigureLayout l = layout(spec);
  const Canvas canvas = decoded(encode_png(panels(four, range, style)));
  const Rgb expected[] = {entry(style.map, 0), entry(style.map, 128), entry(style.map, 255), entry(style.map, 0)};
  for (int k = 0; k < 4; ++k) {
    const Rect plot = l.panels[k].plot;
    CHECK(plot.w == area.width);
    CHECK(plot.h == area.height);
    CHECK(plot.y == l.panels[0].plot.y);
    CHECK(canvas.at(plot.x + 2, plot.y + 2) == expected[k]);
    if (k > 1) CHECK(plot.x - l.panels[k - 1].plot.x == l.panels[1].plot.x - l.panels[0].plot.x);
  }
  const Rect samples = l.panels[3].plot;
  CHECK(distance(canvas.at(samples.x + samples.w / 2, samples.y + samples.h / 2), kWhite) < 40);
  CHECK(l.shared_bar.y == l.panels[0].plot.y);
  CHECK(l.shared_bar.h == l.panels[0].plot.h);
  style.bars = Bars::each;
  const Canvas each = panels(four, range, style);
  CHECK(each.width() == 900);
  style.columns = 3;
  style.dark = true;
  const Canvas dark = panels(four, range, style);
  CHECK(dark.at(0, 0).r < 40);
}

TEST_CASE("a picture in bands has the pixels of the whole", "[draw]") {
  const Box range{-4, 4, -4, 4};
  FigureStyle style{.width = 700, .bars = Bars::each, .title = "\u00c5ll", .x_label = "x", .y_label = "\u00c5"};
  Batch points(2, 500), many(2, 30'000);
  for (Index i = 0; i < 500; ++i) points.col(i) << 5 * std::sin(0.7 * double(i)), 5 * std::cos(1.3 * double(i));
  for (Index i = 0; i < many.cols(); ++i) many.col(i) << 3 * std::sin(0.7 * double(i)), 4 * std::cos(1.3 * double(i));
  auto stored = std::make_shared<Spool>("spooled.png");
  const Matrix<double> held = ramp(40, 900);
  for (Index j = 0; j < held.rows(); ++j)
    for (Index i = 0; i < held.cols(); ++i) stored->write({&held(j, i), 1});
  const auto over = [](Surface& surface, const Axes& axes) {
    const Point line[]{axes.at(-5, -3), axes.at(0, 3.3), axes.at(3, -1)}, corners[]{line[0], line[1], {0, 0}};
    surface.polyline(line, 2.5, kWhite, 0.7, axes.plot);
    surface.polygon(corners, kBlack, 0.3, axes.plot);
    surface.text(axes.plot.x + 20, axes.plot.y + 30, "90 %", 12, axes.ink);
  };
  const std::vector<Panel> kinds{{"few", ramp(7, 5), points, over},
                                 {"stored", GridValues(stored, held.rows(), held.cols()), {}},
                                 {"points", {}, many}};
  const Picture picture(kinds, range, style);
  const Canvas whole = picture.whole();
  const std::vector<Panel> in_memory{kinds[0], {"stored", held, {}}, kinds[2]};
  CHECK(whole.bounds() == panels(in_memory, range, style).bounds());
  const std::size_t row = 3 * static_cast<std::size_t>(whole.width());
  CHECK(std::equal(whole.data(), whole.data() + row * whole.height(), panels(in_memory, range, style).data()));
  for (const int h : {1, 7, 64}) {
    int wrong = 0;
    for (int y = 0; y < picture.height(); y += h) {
      const Canvas band = picture.band(y, std::min(h, picture.height() - y));
      wrong += !std::equal(band.data(), band.data() + row * band.height(), whole.data() + row * y);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("an SVG has texts as text, lines as lines, the heatmap as a PNG of the same pixels", "[draw]") {
  const Box range{-4, 4, -4, 4};
  const FigureStyle style{.width = 300, .title = "p < 1 & \xff", .x_label = "x", .y_label = "y", .bar_label = "d"};
  Panel panel{"model", ramp(9, 9), Batch(2, 3), [](Surface& surface, const Axes& axes) {
                const Point line[]{axes.at(-1, 0), axes.at(1, 0), {kNan, 0}, axes.at(2, 2), axes.at(3, 3)};
                surface.polyline(line, 2, kWhite, 0.5, axes.plot);
                surface.polygon(std::span(line, 2), kWhite, 1, axes.plot);
              }};
  panel.points << 0, 1, kNan, 0, 1, 0;
  const Picture picture({panel}, range, style);
  const auto svg_of = [](const Picture& drawn) {
    std::string text;
    encode_svg(drawn, [&](std::string_view bytes) { text += bytes; });
    return text;
  };
  const std::string svg = svg_of(picture);
  CHECK(svg == svg_of(picture));
  const auto count = [&](std::string_view what) {
    int n = 0;
    for (std::size_t at = svg.find(what); at != svg.npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  CHECK(svg.starts_with("<?xml"));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(count(">p &lt; 1 &amp; \ufffd</text>") == 1);
  CHECK(count(">model</text>") == 1);
  CHECK(count("rotate(-90)") == 2);  // the labels of y and of the bar
  CHECK(count("<circle") == 2);
  CHECK(count("<clipPath id=") == 1);
  CHECK(count("clip-path=\"url(#clip0)\"") == 3);
  CHECK(count("M") >= 3);
  CHECK(count("<image ") == 2);
  // The embedded PNG has the pixels of the picture's plot, where nothing is drawn over them.
  const std::string begin = "base64,";
  const std::size_t from = svg.find(begin) + begin.size();
  std::string bytes;
  unsigned held = 0;
  int bits = 0;
  for (std::size_t i = from; svg[i] != '"' && svg[i] != '='; ++i) {
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    held = held << 6 | static_cast<unsigned>(digits.find(svg[i]));
    if ((bits += 6) >= 8) bytes += static_cast<char>(held >> (bits -= 8) & 255);
  }
  const Canvas inside = decoded(bytes);
  const FigureLayout l =
      layout_of(range, {.width = 300, .title = "model", .x_label = "x", .y_label = "y", .bar_label = "d"}, {});
  CHECK(inside.width() == l.panels[0].plot.w);
  CHECK(inside.at(3, 3) == entry(style.map, static_cast<int>(256 * (72. / 81) / (80. / 81))));
}

TEST_CASE("a PDF's table tells where its objects are, its font holds what is written, its image the pixels", "[draw]") {
  const Box range{-4, 4, -4, 4};
  const FigureStyle style{.width = 300, .title = "\u00c5ngstr\u00f6m \xff", .x_label = "x", .y_label = "y"};
  Panel panel{.title = "model", .grid = ramp(9, 9), .points = Batch::Zero(2, 3)};
  panel.over = [](Surface& surface, const Axes& axes) {
    const Point line[]{axes.at(-1, 0), axes.at(1, 0), {kNan, 0}, axes.at(2, 2), axes.at(3, 3)};
    surface.polyline(line, 2, kWhite, 0.5, axes.plot);
  };
  const Picture picture({panel}, range, style);
  const auto pdf_of = [](const Picture& drawn) {
    std::string bytes;
    encode_pdf(drawn, [&](std::string_view piece) { bytes += piece; });
    return bytes;
  };
  const std::string pdf = pdf_of(picture);
  CHECK(pdf == pdf_of(picture));
  CHECK(pdf.starts_with("%PDF-1.4\n"));
  CHECK(pdf.ends_with("%%EOF\n"));
  const std::size_t table = std::stoul(pdf.substr(pdf.rfind("startxref\n") + 10));
  REQUIRE(pdf.substr(table, 7) == "xref\n0 ");
  const int objects = std::stoi(pdf.substr(table + 7));
  const std::size_t rows = pdf.find('\n', table + 7) + 1;
  for (int i = 1; i < objects; ++i) {
    const std::size_t at = std::stoul(pdf.substr(rows + 20 * static_cast<std::size_t>(i), 10));
    CHECK(pdf.substr(at, 12).starts_with(std::to_string(i) + " 0 obj\n"));
  }
  int images = 0;
  for (std::size_t at = pdf.find("/Subtype /Image"); at != pdf.npos; at = pdf.find("/Subtype /Image", at + 1)) ++images;
  CHECK(images == 2);
  CHECK(pdf.find("/ca 0.5000 /CA 0.5000") != pdf.npos);
  CHECK(pdf.find("/MediaBox [0 0 225.00") != pdf.npos);

  std::set<int> used;
  for (const Glyph& glyph : glyph_run("Agj\u00c5\u207b\ufffd").glyphs) used.insert(glyph.number);
  const std::string font = font_subset(used);
  CHECK(font.size() < 60'000);
  CHECK(font_bytes().size() > 300'000);
  CHECK(font_subset(used) == font);
  // The sum of the whole, and the outlines of what a letter is made of: e and its accent.
  const auto number = [&](std::size_t at, int size) {
    std::uint32_t n = 0;
    for (int i = 0; i < size; ++i) n = n << 8 | static_cast<unsigned char>(font[at + static_cast<std::size_t>(i)]);
    return n;
  };
  std::uint32_t whole = 0;
  for (std::size_t i = 0; i < font.size(); i += 4) whole += number(i, 4);
  CHECK(whole == 0xb1b0afba);
  const int accented = glyph_run("\u00e9").glyphs[0].number;
  CHECK(font_subset({accented}).size() > font_subset({}).size() + 100);
}

TEST_CASE("a picture too large to be encoded at once reads back the same", "[draw]") {
  const FigureStyle style{.width = 2400, .height = 2000, .title = "large"};
  const Picture picture = heatmap_of(ramp(60, 50), {0, 1, 0, 1}, style);
  REQUIRE(2400L * 2000 > kWholePixels);
  std::string png;
  encode_png(picture, [&](std::string_view bytes) { png += bytes; });
  const Canvas whole = picture.whole(), back = decoded(png);
  REQUIRE((back.width() == 2400 && back.height() == 2000));
  CHECK(std::equal(whole.data(), whole.data() + 3 * 2400 * 2000, back.data()));
  CHECK(png.substr(png.size() - 8, 4) == "IEND");
  std::string small;
  const Picture other = heatmap_of(ramp(60, 50), {0, 1, 0, 1}, {.width = 300});
  encode_png(other, [&](std::string_view bytes) { small += bytes; });
  CHECK(small == encode_png(other.whole()));
}

TEST_CASE("a PNG reads back pixel for pixel and has the same bytes each time", "[draw]") {
  for (const int w : {1, 2, 63, 300}) {
    Canvas canvas(w, 41);
    for (int y = 0; y < 41; ++y)
      for (int x = 0; x < w; ++x) {
        const PhiloxWords word =
            philox({3}, Purpose::data, 0, static_cast<std::uint64_t>(x), static_cast<std::uint32_t>(y));
        canvas.set(x, y,
                   {static_cast<std::uint8_t>(word.word[0]), static_cast<std::uint8_t>(word.word[1]),
                    static_cast<std::uint8_t>(x % 3 ? 0 : word.word[2])});
      }
    const std::string png = encode_png(canvas);
    CHECK(png == encode_png(canvas));
    CHECK(png.starts_with("\x89PNG\r\n\x1a\n"));
    CHECK(png.substr(png.size() - 8, 4) == "IEND");
    const Canvas back = decoded(png);
    REQUIRE(back.width() == w);
    CHECK(std::equal(canvas.data(), canvas.data() + 3 * static_cast<std::size_t>(w) * 41, back.data()));
  }
}
