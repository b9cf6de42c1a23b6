// Text in DejaVu Sans, which the program carries inside itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/draw/canvas.hpp"

namespace cnf {

/// The nearest em size, pixels, at which a digit is a whole number of pixels high (at least 4): tops and baselines of
/// labels are then crisp. Everything below rounds its `size` so.
double crisp_size(double size);

/// Pixels a line of text takes. ascent and descent depend on the size alone and hold every Latin letter without an
/// accented capital, digits and superscripts; cap is the height of a digit.
struct TextExtent {
  int width = 0, ascent = 0, descent = 0, cap = 0;
  int height() const { return ascent + descent; }
};

/// Text is UTF-8; malformed bytes become U+FFFD, control characters spaces. Kerned; not shaped, left to right.
TextExtent measure(std::string_view text, double size);

/// Draws the text into the box whose corner is (x, y): extent width x height, or height x width if `vertical` (reads
/// upwards). Anti-aliased, clipped to the canvas.
void draw_text(Canvas& canvas, int x, int y, std::string_view text, double size, Rgb colour, bool vertical = false);

/// The font as it is drawn from: the bytes of its TrueType file, its glyphs by number, lengths in units of an em.
inline constexpr int kUnitsPerEm = 2048;
std::string_view font_bytes();
struct Glyph {
  int number = 0, advance = 0;
  char32_t character = 0;
};
struct GlyphRun {
  std::vector<Glyph> glyphs;
  std::vector<int> at;  ///< where each stands, kerned, and the end
};
GlyphRun glyph_run(std::string_view text);

/// A text that fits `width` pixels: at the size asked if it can, else smaller down to `least` of it, else cut and ended
/// with an ellipsis; empty if not even that fits.
struct FittedText {
  std::string text;
  double size = 0;
};
FittedText fit_text(std::string_view text, double size, int width, double least = 0.75);

}  // namespace cnf
