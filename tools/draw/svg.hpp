// Pictures as SVG: text as text, lines as lines, what is made of pixels inside as PNG.
#pragma once

#include <functional>
#include <string_view>

#include "tools/draw/drawing.hpp"

namespace cnf {

/// The bytes in order, the same for the same picture; one unit is one pixel of the PNG. Fonts are asked for by name,
/// DejaVu Sans first, every text stretched to its place, so that nothing overlaps in another font.
void encode_svg(const Drawing& picture, const std::function<void(std::string_view)>& sink);

}  // namespace cnf
