#include "solvers/control/controller.hpp"

#include <charconv>
#include <stdexcept>

namespace cnf {

Controller parse_controller(std::string_view text) {
  const auto refuse = [text](const std::string& why) {
    throw std::invalid_argument("controller '" + std::string(text) + "': " + why);
  };
  const std::size_t colon = text.find(':');
  const ControllerRow* row = nullptr;
  std::string names;
  for (const ControllerRow& each : kAllControllers) {
    if (each.name == text.substr(0, colon)) row = &each;
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  }
  if (!row) refuse("unknown; expected one of " + names);
  Controller controller = row->values;
  if (colon == std::string_view::npos) return controller;
  const std::array<double*, 3> values{&controller.now, &controller.before, &controller.earlier};
  std::string_view rest = text.substr(colon + 1);
  const std::string expected = std::to_string(row->coefficients) + (row->coefficients == 1 ? " number" : " numbers") +
                               " from -2 to 2 behind the colon, separated by commas, the first above 0";
  for (int i = 0; i < row->coefficients; ++i) {
    const bool last = i + 1 == row->coefficients;
    const std::size_t comma = last ? rest.size() : rest.find(',');
    if (comma == std::string_view::npos) refuse("expected " + expected);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + comma, *values[i]);
    if (error != std::errc{} || end != rest.data() + comma || !(*values[i] >= -2 && *values[i] <= 2))
      refuse("expected " + expected);
    rest.remove_prefix(last ? comma : comma + 1);
  }
  if (!(controller.now > 0)) refuse("expected " + expected);
  return controller;
}

}  // namespace cnf
