// Pictures as files: what they are called says what they are.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/file_writer.hpp"
#include "tools/cli/args.hpp"
#include "tools/draw/drawing.hpp"

namespace cnf {

/// Throws UsageError with that help if --output is no picture's name, and as refuse_overwrite. A device is a PNG.
void check_picture_path(const Args& args, const std::string& help);

/// The picture that `draw` makes, in the format that the path's ending says. A signal while it is drawn ends the
/// program at once.
void write_drawing(const std::filesystem::path& path, const std::function<std::unique_ptr<Drawing>()>& draw,
                   Links links = Links::follow);
/// The same of a `draw` that returns the drawing itself.
template <class Draw>
void write_picture(const std::filesystem::path& path, Draw&& draw, Links links = Links::follow) {
  write_drawing(
      path, [&] { return std::make_unique<decltype(draw())>(draw()); }, links);
}

}  // namespace cnf
