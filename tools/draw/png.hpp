// Pictures as the bytes of PNG files.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tools/draw/drawing.hpp"

namespace cnf {

/// The picture as a PNG (8-bit RGB, no time, no text): the same pixels give the same bytes. Nothing is written: `sink`
/// gets the bytes in order, for a FileWriter, which notices a full disk (stb's own file functions do not).
/// Up to kWholePixels at once, by stb_image_write; above, in bands, by zlib: stb's encoder holds pixels, filtered rows
/// and result side by side, three times the picture.
/// Throws std::bad_alloc.
inline constexpr long kWholePixels = 1L << 22;
void encode_png(const Drawing& picture, const std::function<void(std::string_view)>& sink);

/// The same of width x height pixels, `band` drawing the rows y .. y + h - 1.
void encode_png(int width, int height, const std::function<Canvas(int y, int h)>& band,
                const std::function<void(std::string_view)>& sink);

/// The zlib stream of such pixels, in pieces: rows filtered as a PNG's, which a PDF reads too.
void deflate_rows(int width, int height, const std::function<Canvas(int y, int h)>& band,
                  const std::function<void(std::string_view)>& take);

/// A canvas as a PNG, at once.
std::string encode_png(const Canvas& canvas);

}  // namespace cnf
