// Pictures as files: what they are called says what they are.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/file_writer.hpp"
#include "tools/cli/args.hpp"
#include "tools/draw/heatmap.hpp"

namespace cnf {

/// Throws UsageError with that help if --output is no picture's name, and as refuse_overwrite. A device is a PNG.
void check_picture_path(const Args& args, const std::string& help);

/// The picture that `draw` makes, in the format that the path's ending says. A signal while it is drawn ends the
/// program at once.
void write_picture(const std::filesystem::path& path, const std::function<Picture()>& draw,
                   Links links = Links::follow);

}  // namespace cnf
