#include "tools/verbs/solve/chart_options.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "tools/cli/output.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/pictures/picture_size.hpp"

namespace cnf {

std::vector<Option> chart_options() {
  return {size_option("Pixels of a plot and what belongs to it."), magnify_option(), title_option()};
}

FigureStyle chart_style(const Args& args, const std::string& title, int width, int height) {
  FigureStyle style = sized_style(args, width, height);
  if (style.height == 0 && height > 0) style.height = std::max(100, style.width * height / width);
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
