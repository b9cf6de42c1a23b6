// Private to layout: ticks, labels and bars around plots that have their place.
#pragma once

#include "tools/draw/figure_geometry.hpp"

namespace cnf {

/// The whole layout. A label without room is left out.
FigureLayout place_all(const FigureSpec& spec, const Geometry& g, const Measures& m);

}  // namespace cnf
