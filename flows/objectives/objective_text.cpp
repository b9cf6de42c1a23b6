#include "flows/objectives/objective_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace cnf {

namespace {

std::optional<Quadrature> find_quadrature(std::string_view text) {
  for (const Quadrature one : kAllQuadratures)
    if (name(one) == text) return one;
  return {};
}

NamedWeight read_summand(std::string_view text) {
  const auto colon = text.find(':');
  NamedWeight one{std::string(text.substr(0, colon))};
  if (one.name.empty()) throw std::invalid_argument("a name is missing, expected NAME[:WEIGHT]+NAME[:WEIGHT]+...");
  if (colon == text.npos) return one;
  std::string_view number = text.substr(colon + 1);
  one.rises = number.ends_with('^');
  if (one.rises) number.remove_suffix(1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), one.weight);
  if (error != std::errc() || end != number.data() + number.size() || !(one.weight > 0 && std::isfinite(one.weight)))
    throw std::invalid_argument("the weight of " + one.name + " is '" + std::string(number) +
                                "', expected a number above 0");
  return one;
}

}  // namespace

std::vector<NamedWeight> split_objective(std::string_view text) {
  std::vector<NamedWeight> summands;
  for (std::size_t begin = 0, end = 0; end != text.npos; begin = end + 1) {
    end = text.find('+', begin);
    // The plus of a number is none between summands: 1e+3.
    while (end != text.npos && end > begin + 1 && (text[end - 1] == 'e' || text[end - 1] == 'E') &&
           text.substr(begin, end - begin).find(':') != text.npos)
      end = text.find('+', end + 1);
    NamedWeight one = read_summand(text.substr(begin, end == text.npos ? end : end - begin));
    if (std::any_of(summands.begin(), summands.end(), [&](const NamedWeight& other) { return other.name == one.name; }))
      throw std::invalid_argument(one.name + " stands twice; add its weights");
    summands.push_back(std::move(one));
  }
  return summands;
}

std::vector<std::string_view> summand_names() {
  std::vector<std::string_view> names;
  for (const AnyObjective& one : all_objectives()) names.push_back(traits(one).name);
  for (const Quadrature one : kAllQuadratures) names.push_back(name(one));
  return names;
}

ObjectiveSum objective_sum(const std::vector<NamedWeight>& summands) {
  std::vector<WeightedObjective> sum;
  for (const NamedWeight& one : summands) {
    const auto found = find_objective(one.name);
    if (found && one.rises)
      throw std::invalid_argument("the weight of " + one.name + " cannot rise; that of a term of its solve can");
    if (found)
      sum.push_back({*found, one.weight});
    else if (!find_quadrature(one.name))
      throw std::invalid_argument("'" + one.name + "' is no objective");
  }
  const auto solving = std::find_if(sum.begin(), sum.end(), [](const WeightedObjective& one) {
    return std::visit(
        [](const auto& kind) {
          return requires { kind.weights; };
        },
        one.what);
  });
  for (const NamedWeight& one : summands) {
    const auto term = find_quadrature(one.name);
    if (!term) continue;
    if (solving == sum.end())
      throw std::invalid_argument(one.name + " is a term of likelihood's solves; add likelihood");
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.weights; }) {
            kind.flow.beside.push_back(*term);
            kind.weights.push_back(one.weight / solving->weight);
            kind.rising.push_back(one.rises);
          }
        },
        solving->what);
  }
  return ObjectiveSum(std::move(sum));
}

}  // namespace cnf
