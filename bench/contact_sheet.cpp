// Pictures side by side on one: contact_sheet OUT.png COLUMNS WIDTH FILE.png...
// Each is brought to WIDTH pixels by the mean of what a pixel covers, in rows as high as their highest.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tools/draw/canvas.hpp"
#include "tools/draw/png.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace {

using cnf::Canvas;

Canvas read(const char* path) {
  int w = 0, h = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> bytes(stbi_load(path, &w, &h, &channels, 3), stbi_image_free);
  if (!bytes) {
    std::fprintf(stderr, "contact_sheet: %s: %s\n", path, stbi_failure_reason());
    std::exit(3);
  }
  Canvas canvas(w, h);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const stbi_uc* p = bytes.get() + 3 * (static_cast<std::size_t>(y) * w + x);
      canvas.set(x, y, {p[0], p[1], p[2]});
    }
  return canvas;
}

/// `width` pixels wide, none wider than before.
Canvas shrunk(const Canvas& from, int width) {
  const double step = std::max(1.0, static_cast<double>(from.width()) / width);
  Canvas to(static_cast<int>(from.width() / step), static_cast<int>(from.height() / step));
  for (int y = 0; y < to.height(); ++y)
    for (int x = 0; x < to.width(); ++x) {
      double sum[3] = {}, area = 0;
      for (int v = static_cast<int>(y * step); v < std::min<double>(from.height(), (y + 1) * step); ++v)
        for (int u = static_cast<int>(x * step); u < std::min<double>(from.width(), (x + 1) * step); ++u) {
          const double wide = std::min(u + 1.0, (x + 1) * step) - std::max<double>(u, x * step);
          const double high = std::min(v + 1.0, (y + 1) * step) - std::max<double>(v, y * step);
          const cnf::Rgb p = from.at(u, v);
          sum[0] += wide * high * p.r, sum[1] += wide * high * p.g, sum[2] += wide * high * p.b, area += wide * high;
        }
      const auto mean = [&](int c) { return static_cast<std::uint8_t>(sum[c] / area + 0.5); };
      to.set(x, y, {mean(0), mean(1), mean(2)});
    }
  return to;
}

}  // namespace

int main(int count, char** words) {
  constexpr int kGap = 8;
  const int columns = count > 4 ? std::atoi(words[2]) : 0, width = count > 4 ? std::atoi(words[3]) : 0;
  if (columns < 1 || width < 16) {
    std::fprintf(stderr, "usage: contact_sheet OUT.png COLUMNS WIDTH FILE.png...\n");
    return 2;
  }
  std::vector<Canvas> pictures;
  for (int i = 4; i < count; ++i) pictures.push_back(shrunk(read(words[i]), width));
  std::vector<int> heights;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (i % static_cast<std::size_t>(columns) == 0) heights.push_back(0);
    heights.back() = std::max(heights.back(), pictures[i].height());
  }
  int height = kGap;
  for (const int h : heights) height += h + kGap;
  Canvas sheet(columns * (width + kGap) + kGap, height);
  int y = kGap;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto column = static_cast<int>(i % static_cast<std::size_t>(columns));
    const int row = heights[i / static_cast<std::size_t>(columns)];
    const int x0 = kGap + column * (width + kGap) + (width - pictures[i].width()) / 2;
    const int y0 = y + (row - pictures[i].height()) / 2;
    for (int v = 0; v < pictures[i].height(); ++v)
      for (int u = 0; u < pictures[i].width(); ++u) sheet.set(x0 + u, y0 + v, pictures[i].at(u, v));
    if (column + 1 == columns) y += row + kGap;
  }
  std::ofstream(words[1], std::ios::binary) << cnf::encode_png(sheet);
}
