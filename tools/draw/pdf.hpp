// Pictures as PDF: text as text, lines as lines, what is made of pixels inside as an image.
#pragma once

#include <functional>
#include <string_view>

#include "tools/draw/drawing.hpp"

namespace cnf {

/// One page of PDF 1.4, 3/4 point a pixel. The bytes in order, the same for the same picture: no date, no name. The
/// font is inside, with the glyphs that are used; texts can be searched and copied.
/// Throws std::bad_alloc.
void encode_pdf(const Drawing& picture, const std::function<void(std::string_view)>& sink);

}  // namespace cnf
