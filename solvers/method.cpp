#include "solvers/method.hpp"

#include <charconv>
#include <stdexcept>

namespace cnf {

namespace {

constexpr int kMostSteps = 1'000'000;

std::string known() {
  std::string adaptive, fixed;
  for (const Tableau* m : kAllTableaus) {
    std::string& list = m->is_adaptive() ? adaptive : fixed;
    if (!list.empty()) list += ", ";
    list += m->name;
  }
  return "unknown; adaptive: " + adaptive + "; in N fixed steps, written NAME:N: these and " + fixed;
}

}  // namespace

Method parse_method(std::string_view text) {
  const auto refuse = [text](const std::string& why) -> Method {
    throw std::invalid_argument("solver '" + std::string(text) + "': " + why);
  };
  const std::size_t colon = text.find(':');
  Method method;
  method.tableau = find_tableau(text.substr(0, colon));
  if (!method.tableau) return refuse(known());
  const std::string name(method.tableau->name);
  if (colon == std::string_view::npos) {
    if (!method.tableau->is_adaptive())
      return refuse(name + " has no error estimate; write " + name + ":N for N fixed steps");
    return method;
  }
  const std::string_view count = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), method.fixed_steps);
  if (error != std::errc{} || end != count.data() + count.size() || method.fixed_steps < 1 ||
      method.fixed_steps > kMostSteps)
    return refuse("'" + std::string(count) + "' is not a whole number of steps from 1 to " +
                  std::to_string(kMostSteps));
  return method;
}

std::string to_string(const Method& method) {
  std::string text(method.tableau->name);
  if (method.fixed_steps > 0) {
    text += ':';
    text += std::to_string(method.fixed_steps);
  }
  return text;
}

}  // namespace cnf
