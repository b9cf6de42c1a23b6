// From a number in [0, 1] to a colour.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace cnf {

/// A colour as the screen takes it: sRGB, 8 bits a channel.
struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};

/// The perceptual maps of matplotlib, and grey (black to white).
enum class Colormap { viridis, magma, inferno, plasma, cividis, grey };

inline constexpr std::array kAllColormaps{Colormap::viridis, Colormap::magma,   Colormap::inferno,
                                          Colormap::plasma,  Colormap::cividis, Colormap::grey};

/// As spelled on the command line.
std::string_view name(Colormap map);
/// Throws std::invalid_argument listing the names if there is no such map.
Colormap colormap(std::string_view name);

/// Entry i of 256; i in 0..255, as 0xrrggbb in the table.
Rgb entry(Colormap map, int i);
/// The colour of t: entry floor(256 t), clamped to 0..255; NaN has the map's nan_colour.
Rgb colour(Colormap map, double t);
/// For cells without a value: a grey, or a muted red where the map itself runs through grey; at least 48 (Euclidean
/// distance in RGB) from every entry of the map.
Rgb nan_colour(Colormap map);

}  // namespace cnf
