#include "tools/pictures/picture_size.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

namespace {

constexpr int kMostPixels = 16384;  // of a side
constexpr const char* kGroup = "Picture";

}  // namespace

Option size_option(const std::string& help) {
  return {.name = "size",
          .value = "W,H",
          .kind = Kind::integers,
          .range = Range::whole(100, kMostPixels),
          .min_count = 1,
          .max_count = 2,
          .help = help,
          .group = kGroup};
}

Option magnify_option() {
  return {.name = "magnify",
          .value = "X",
          .kind = Kind::real,
          .initial = "1",
          .range = Range::closed(0.25, 16),
          .help = "Size of everything: 2 for print. With --size, of text, lines and points alone.",
          .group = kGroup};
}

Option title_option() {
  return {.name = "title",
          .value = "TEXT",
          .kind = Kind::text,
          .help = "A title in place of the usual one.",
          .group = kGroup};
}

FigureStyle sized_style(const Args& args, int width, int height) {
  const double magnify = args.real("magnify");
  const auto scaled = [magnify](int pixels) {
    return static_cast<int>(std::min<double>(kMostPixels, std::round(magnify * pixels)));
  };
  FigureStyle style{.width = scaled(width), .height = scaled(height), .scale = magnify};
  if (!args.given("size")) return style;
  const std::vector<std::int64_t>& size = args.list("size");
  style.width = static_cast<int>(size[0]);
  style.height = size.size() > 1 ? static_cast<int>(size[1]) : 0;
  return style;
}

}  // namespace cnf
