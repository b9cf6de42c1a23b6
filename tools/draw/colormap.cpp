#include "tools/draw/colormap.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tools/draw/colormap_tables.hpp"

namespace cnf {
namespace {

struct Row {
  std::string_view name;
  const std::uint32_t* table;
  Rgb nan;
};

const Row& row(Colormap map) {
  static constexpr Rgb kNeutral{150, 150, 150}, kMutedRed{196, 92, 92};  // cividis and grey run through grey
  static constexpr Row kRows[] = {{"viridis", kViridis, kNeutral},  {"magma", kMagma, kNeutral},
                                  {"inferno", kInferno, kNeutral},  {"plasma", kPlasma, kNeutral},
                                  {"cividis", kCividis, kMutedRed}, {"grey", kGrey, kMutedRed}};
  return kRows[static_cast<int>(map)];
}

constexpr Rgb unpack(std::uint32_t word) {
  return {static_cast<std::uint8_t>(word >> 16), static_cast<std::uint8_t>(word >> 8 & 255),
          static_cast<std::uint8_t>(word & 255)};
}

}  // namespace

std::string_view name(Colormap map) { return row(map).name; }

Colormap colormap(std::string_view name) {
  std::string known;
  for (const Colormap map : kAllColormaps) {
    if (row(map).name == name) return map;
    known += (known.empty() ? "" : ", ") + std::string(row(map).name);
  }
  throw std::invalid_argument("colormap: '" + std::string(name) + "' is not one of " + known);
}

Rgb entry(Colormap map, int i) { return unpack(row(map).table[std::clamp(i, 0, 255)]); }

Rgb colour(Colormap map, double t) {
  if (std::isnan(t)) return row(map).nan;
  return unpack(row(map).table[static_cast<int>(std::clamp(256 * t, 0.0, 255.0))]);
}

Rgb nan_colour(Colormap map) { return row(map).nan; }

}  // namespace cnf
