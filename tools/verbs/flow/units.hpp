// Which columns are measured alike, as far as their names tell.
#pragma once

#include <string>

namespace cnf {

/// True for longitude and latitude, easting and northing, x and y with the same rest (x and y, x_km and y_km), and for
/// names that end in the same unit: behind a last underscore, in brackets or in parentheses. Capitals do not matter.
bool same_unit(const std::string& a, const std::string& b);

}  // namespace cnf
