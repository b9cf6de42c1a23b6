// What a field's shape or an objective can be told, by name: read and written alike by model files, `cnf info` and
// `cnf train`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/types.hpp"

namespace cnf {

/// One setting of a shape or an objective, into which it points and which must outlive it.
struct Setting {
  struct Whole {
    Index* value;
    Index least = 1, most = Index{1} << 20;
  };
  struct Wholes {
    std::vector<Index>* values;
    Index least = 1, most = Index{1} << 20;
    std::size_t most_count = 64;  ///< and at least one
  };
  struct Real {
    double* value;
    double least = 0, most = 1e6;
  };
  struct Flag {
    bool* value;
  };
  struct Choice {
    std::vector<std::string_view> names;
    std::function<std::string_view()> get;
    std::function<void(std::string_view)> set;  ///< one of `names`
  };

  std::string_view name;  ///< as in a model file: "output_gate"; on the command line with - for _
  std::string_view help;
  std::variant<Whole, Wholes, Real, Flag, Choice> value;
  bool from_data = false;  ///< follows from the data, so no one is asked for it
};

/// A choice among `all`, each of which has a `name(e)`. `value` must outlive it.
template <class E, class Range>
Setting::Choice choice_of(E& value, const Range& all) {
  Setting::Choice choice;
  for (const E e : all) choice.names.push_back(name(e));
  choice.get = [&value] { return name(value); };
  choice.set = [&value, known = std::vector<E>(std::begin(all), std::end(all))](std::string_view text) {
    for (const E e : known)
      if (name(e) == text) value = e;
  };
  return choice;
}

}  // namespace cnf
