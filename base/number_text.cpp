#include "base/number_text.hpp"

#include <charconv>

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

}  // namespace cnf
