#include "tools/pictures/picture_file.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/draw/pdf.hpp"
#include "tools/draw/png.hpp"
#include "tools/draw/svg.hpp"

namespace cnf {
namespace {

using Sink = std::function<void(std::string_view)>;
using Encode = void (*)(const Drawing& picture, const Sink& sink);

struct Format {
  std::string_view ending;
  Encode encode;
};
constexpr std::array kFormats{Format{".png", encode_png}, Format{".svg", encode_svg}, Format{".pdf", encode_pdf}};

/// By the ending, capitals or not; none: not known.
const Format* format_of(const std::filesystem::path& path) {
  const std::string ending = lower(path.extension().string());
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& format) { return format.ending == ending; });
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace

void check_picture_path(const Args& args, const std::string& help) {
  const std::filesystem::path path = args.path("output");
  if (format_of(path) == nullptr && !std::filesystem::is_character_file(path)) {
    std::string endings;
    for (const Format& format : kFormats)
      endings += std::string(endings.empty()               ? ""
                             : &format == &kFormats.back() ? " or "
                                                           : ", ") +
                 std::string(format.ending);
    throw UsageError("--output: " + in_quotes(args.text("output")) + " does not end in " + endings, help);
  }
  refuse_overwrite(path, args.flag("force"));
}

void write_drawing(const std::filesystem::path& path, const std::function<std::unique_ptr<Drawing>()>& draw,
                   Links links) {
  std::optional<EndAtOnce> at_once(std::in_place);  // until a file is open, and where that is a pipe
  const std::unique_ptr<const Drawing> drawing = draw();
  const Drawing& picture = *drawing;
  const Format* named = format_of(path);
  const Encode encode = named == nullptr ? kFormats[0].encode : named->encode;
  const bool small = long{picture.width()} * picture.height() <= kWholePixels;
  std::string held;
  if (small) encode(picture, [&](std::string_view bytes) { held += bytes; });
  std::error_code error;
  const bool stream = std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  if (!stream) at_once.reset();
  FileWriter file(path, 0, links);
  const auto write = [&](std::string_view bytes) {
    stop_if_asked(interrupt_flag());
    file.write(bytes);
  };
  if (small)
    write(held);
  else
    encode(picture, write);
  file.finish();
}

}  // namespace cnf
