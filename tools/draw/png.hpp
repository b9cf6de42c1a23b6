// A canvas as the bytes of a PNG file.
#pragma once

#include <string>

#include "tools/draw/canvas.hpp"

namespace cnf {

/// The picture as a PNG (8-bit RGB, no time, no text): the same pixels give the same bytes. Nothing is written: hand
/// the bytes to write_file, which notices a full disk (stb's own file functions do not).
/// Throws std::bad_alloc.
std::string encode_png(const Canvas& canvas);

}  // namespace cnf
