#include "solvers/method.hpp"

#include <charconv>
#include <stdexcept>

namespace cnf {

namespace {

constexpr int kMostSteps = 1'000'000;

std::string known() {
  std::string list;
  for (const Method& m : all_methods()) {
    const char* const count = !m.takes_grid() ? "" : m.is_adaptive() ? "[:N]" : ":N";
    list += (list.empty() ? "" : "; ") + std::string(m.name()) + count + " (" + m.help() + ")";
  }
  return "unknown; known, :N in N fixed steps: " + list;
}

}  // namespace

bool Method::is_null() const {
  return std::visit([](const auto* m) { return m == nullptr; }, row_);
}
std::string_view Method::name() const {
  return std::visit([](const auto* m) { return m->name; }, row_);
}
std::string Method::help() const {
  const std::string facts = "order " + std::to_string(order()) + (is_adaptive() ? ", adaptive: " : ", fixed steps: ");
  return facts + std::string(std::visit([](const auto* m) { return m->help; }, row_));
}
int Method::order() const {
  return std::visit([](const auto* m) { return m->order; }, row_);
}
int Method::embedded_order() const {
  return std::visit([](const auto* m) { return m->embedded_order; }, row_);
}
int Method::dense_order() const {
  return std::visit([](const auto* m) { return m->dense_order(); }, row_);
}
int Method::evaluations_per_step() const {
  return std::visit([](const auto* m) { return m->evaluations_per_step(); }, row_);
}
bool Method::has_transpose() const {
  return std::visit([](const auto* m) { return m->has_transpose(); }, row_);
}
bool Method::takes_grid() const {
  return std::visit([](const auto* m) { return m->takes_grid(); }, row_);
}
bool Method::needs_jvp() const {
  return std::visit([](const auto* m) { return m->needs_jvp(); }, row_);
}
bool Method::needs_equal_steps() const {
  return std::visit([](const auto* m) { return m->needs_equal_steps(); }, row_);
}

std::vector<Method> all_methods() {
  std::vector<Method> all(kAllTableaus.begin(), kAllTableaus.end());
  all.insert(all.end(), kAllAdams.begin(), kAllAdams.end());
  all.emplace_back(&kAdams);
  all.emplace_back(&kLeapfrog);
  all.insert(all.end(), kAllDirk.begin(), kAllDirk.end());
  all.insert(all.end(), kAllRosenbrock.begin(), kAllRosenbrock.end());
  all.emplace_back(&kAuto);
  return all;
}

std::optional<Method> find_method(std::string_view name) {
  for (const Method& m : all_methods())
    if (m.name() == name) return m;
  for (const ReversibleMethod& m : kAllCoupled)
    if (m.name == name) return &m;
  return {};
}

MethodChoice parse_method(std::string_view text) {
  const auto refuse = [text](const std::string& why) -> MethodChoice {
    throw std::invalid_argument("solver '" + std::string(text) + "': " + why);
  };
  const std::size_t colon = text.find(':');
  const std::optional<Method> found = find_method(text.substr(0, colon));
  if (!found) return refuse(known());
  MethodChoice choice{*found, 0};
  const std::string name(found->name());
  if (colon == std::string_view::npos) {
    if (!found->is_adaptive()) return refuse(name + " has no error estimate; write " + name + ":N for N fixed steps");
    return choice;
  }
  if (!found->takes_grid())
    return refuse(name + " chooses more than the sizes of its steps; write " + name + ", or abm8:N for N fixed steps");
  const std::string_view count = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), choice.fixed_steps);
  if (error != std::errc{} || end != count.data() + count.size() || choice.fixed_steps < 1 ||
      choice.fixed_steps > kMostSteps)
    return refuse("'" + std::string(count) + "' is not a whole number of steps from 1 to " +
                  std::to_string(kMostSteps));
  return choice;
}

std::string to_string(const MethodChoice& choice) {
  std::string text(choice.method.name());
  if (choice.fixed_steps > 0) {
    text += ':';
    text += std::to_string(choice.fixed_steps);
  }
  return text;
}

}  // namespace cnf
