#include "tools/draw/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <vector>

#include "base/utf8.hpp"

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
// A font's userdata is a pool: a glyph without memory would be left out in silence.
#define STBTT_malloc(n, pool) static_cast<std::pmr::memory_resource*>(pool)->allocate(n)
#define STBTT_free(p, pool) (static_cast<void>(p), static_cast<void>(pool))
#include <stb_truetype.h>

extern "C" {
extern const unsigned char cnf_font_begin[], cnf_font_end[];  // font.cpp
}

namespace cnf {
namespace {

constexpr double kCap = 1493.0 / 2048;  // height of a digit, em: DejaVu Sans
constexpr double kAscent = 0.82;        // em: tops of brackets, ascenders and superscripts
constexpr double kDescent = 0.25;       // em
constexpr char32_t kReplacement = 0xfffd;

const stbtt_fontinfo& font() {
  static const stbtt_fontinfo info = [] {
    stbtt_fontinfo f{};
    if (!stbtt_InitFont(&f, cnf_font_begin, 0)) throw std::logic_error("text: the embedded font does not parse");
    return f;
  }();
  return info;
}

}  // namespace

std::string_view font_bytes() {
  return {reinterpret_cast<const char*>(cnf_font_begin), static_cast<std::size_t>(cnf_font_end - cnf_font_begin)};
}

// U+FFFD stands for every byte that is not UTF-8.
GlyphRun glyph_run(std::string_view text) {
  GlyphRun run{{}, {0}};
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    char32_t c = n == 0 ? kReplacement : utf8_decode(text.substr(0, n));
    if (c < 0x20 || c == 0x7f) c = ' ';
    Glyph glyph{stbtt_FindGlyphIndex(&font(), static_cast<int>(c)), 0, c};
    int bearing = 0;
    stbtt_GetGlyphHMetrics(&font(), glyph.number, &glyph.advance, &bearing);
    if (!run.glyphs.empty())
      run.at.back() += stbtt_GetGlyphKernAdvance(&font(), run.glyphs.back().number, glyph.number);
    run.at.push_back(run.at.back() + glyph.advance);
    run.glyphs.push_back(glyph);
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return run;
}

double crisp_size(double size) { return std::max(4.0, std::round(size * kCap)) / kCap; }

TextExtent measure(std::string_view text, double size) {
  const double em = crisp_size(size), scale = stbtt_ScaleForMappingEmToPixels(&font(), static_cast<float>(em));
  // One pixel more on the right: a last glyph may lean over its advance.
  const int width = text.empty() ? 0 : static_cast<int>(std::ceil(glyph_run(text).at.back() * scale)) + 1;
  return {width, static_cast<int>(std::ceil(kAscent * em)), static_cast<int>(std::ceil(kDescent * em)),
          static_cast<int>(std::lround(kCap * em))};
}

void draw_text(Canvas& canvas, int x, int y, std::string_view text, double size, Rgb colour, bool vertical) {
  const float scale = stbtt_ScaleForMappingEmToPixels(&font(), static_cast<float>(crisp_size(size)));
  const GlyphRun run = glyph_run(text);
  const TextExtent extent = measure(text, size);
  std::vector<unsigned char> bitmap;
  std::pmr::monotonic_buffer_resource pool;
  stbtt_fontinfo outlines = font();
  outlines.userdata = &pool;
  for (std::size_t i = 0; i < run.glyphs.size(); ++i) {
    const int glyph = run.glyphs[i].number;
    const float pen = static_cast<float>(run.at[i]) * scale, shift = pen - std::floor(pen);
    int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    stbtt_GetGlyphBitmapBoxSubpixel(&font(), glyph, scale, scale, shift, 0, &x0, &y0, &x1, &y1);
    const int w = x1 - x0, h = y1 - y0;
    if (w <= 0 || h <= 0) continue;
    bitmap.assign(static_cast<std::size_t>(w) * h, 0);
    stbtt_MakeGlyphBitmapSubpixel(&outlines, bitmap.data(), w, h, w, scale, scale, shift, 0, glyph);
    pool.release();
    const int left = static_cast<int>(std::floor(pen)) + x0, top = extent.ascent + y0;
    for (int v = 0; v < h; ++v)
      for (int u = 0; u < w; ++u) {
        const unsigned char cover = bitmap[static_cast<std::size_t>(v) * w + u];
        if (cover == 0) continue;
        const int across = left + u, down = top + v;
        if (vertical)
          canvas.blend(x + down, y + extent.width - 1 - across, colour, cover / 255.0);
        else
          canvas.blend(x + across, y + down, colour, cover / 255.0);
      }
  }
}

FittedText fit_text(std::string_view text, double size, int width, double least) {
  text = text.substr(0, 4096);  // more than any picture is wide
  double s = size;
  for (; measure(text, s).width > width; s *= 0.97)
    if (s * 0.97 < least * size) break;
  if (measure(text, s).width <= width) return {std::string(text), s};
  // Cut whole characters off the end: never inside a UTF-8 sequence.
  std::string cut(text);
  while (cut.size() > 16 && measure(cut, s).width > 4 * width) cut.resize(cut.size() / 2);
  while (!cut.empty()) {
    do {
      const bool continuation = (static_cast<unsigned char>(cut.back()) & 0xc0) == 0x80;
      cut.pop_back();
      if (!continuation) break;
    } while (!cut.empty());
    while (!cut.empty() && cut.back() == ' ') cut.pop_back();
    const std::string ended = cut + "\u2026";
    if (!cut.empty() && measure(ended, s).width <= width) return {ended, s};
  }
  if (measure("\u2026", s).width <= width) return {"\u2026", s};
  return {"", s};
}

}  // namespace cnf
