#include "base/number_text.hpp"

#include <charconv>
#include <iterator>
#include <string_view>

namespace cnf {

namespace {

std::string text(double x, std::chars_format format, int digits) {
  char buffer[400];  // 1.8e308 has 309 digits before its point
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, x, format, digits).ptr};
}

}  // namespace

std::string shortest(double x) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr};
}
std::string significant(double x, int digits) { return text(x, std::chars_format::general, digits); }
std::string decimals(double x, int digits) { return text(x, std::chars_format::fixed, digits); }
std::string scientific(double x, int digits) { return text(x, std::chars_format::scientific, digits); }

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  constexpr std::string_view units[] = {" kB", " MB", " GB", " TB", " PB", " EB"};
  for (; value >= 999.95 && unit + 1 < std::size(units); ++unit) value /= 1000;
  return decimals(value, 1).append(units[unit]);
}

}  // namespace cnf
