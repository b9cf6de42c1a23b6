// Numbers as text, with a point and never a comma, whatever the locale.
#pragma once

#include <cstdint>
#include <string>

namespace cnf {

/// The shortest text that reads back as x: 0.1, 1e-05, inf, nan.
std::string shortest(double x);
/// `digits` significant digits at most, in the shorter of both forms: 0.1235, 1e-09.
std::string significant(double x, int digits);
/// `digits` digits after the point: 0.12.
std::string decimals(double x, int digits);
/// `digits` digits after the point and an exponent: 1.2e-01.
std::string scientific(double x, int digits);
/// A number of bytes, by thousands: "512 bytes", "1.2 MB".
std::string size_text(std::uint64_t bytes);

}  // namespace cnf
