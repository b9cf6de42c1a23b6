#include "tools/verbs/solve/chart_options.hpp"

#include <algorithm>
#include <cmath>

#include "base/utf8.hpp"
#include "tools/cli/output.hpp"
#include "tools/verbs/flow/picture_file.hpp"

namespace cnf {

std::vector<Option> chart_options() {
  const std::string group = "Picture";
  return {{.name = "size",
           .value = "W,H",
           .kind = Kind::integers,
           .range = Range::whole(100, 16384),
           .min_count = 1,
           .max_count = 2,
           .help = "Pixels of a plot and what belongs to it.",
           .group = group},
          {.name = "magnify",
           .value = "X",
           .kind = Kind::real,
           .initial = "1",
           .range = Range::closed(0.25, 16),
           .help = "Size of everything: 2 for print. With --size, of text, lines and points alone.",
           .group = group},
          {.name = "title",
           .value = "TEXT",
           .kind = Kind::text,
           .help = "A title in place of the usual one.",
           .group = group}};
}

FigureStyle chart_style(const Args& args, const std::string& title, int width, int height) {
  constexpr double kMostPixels = 16384;
  const double magnify = args.real("magnify");
  const auto scaled = [&](int pixels) { return static_cast<int>(std::min(kMostPixels, std::round(magnify * pixels))); };
  FigureStyle style{.width = scaled(width), .height = scaled(height), .scale = magnify};
  if (args.given("size")) {
    const std::vector<std::int64_t>& size = args.list("size");
    style.width = static_cast<int>(size[0]);
    style.height = size.size() > 1 ? static_cast<int>(size[1])
                   : height > 0    ? std::max(100, style.width * height / width)
                                   : 0;
  }
  style.aspect = 0;
  style.title = args.given("title") ? args.text("title") : title;
  return style;
}

bool wants_numbers(const Args& args, bool npy) {
  const std::string ending = lower(args.path("output").extension().string());
  if (args.text("output") == "-") return true;
  if (ending != ".csv" && (ending != ".npy" || !npy)) {
    check_picture_path(args, npy ? "numbers are .csv or .npy" : "numbers are .csv");
    return false;
  }
  refuse_overwrite(args.path("output"), args.flag("force"));
  return true;
}

}  // namespace cnf
