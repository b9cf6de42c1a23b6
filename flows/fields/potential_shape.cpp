#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "flows/fields/potential.hpp"
#include "flows/initial_parameters.hpp"

namespace cnf {

std::vector<Setting> PotentialShape::settings() {
  return {{.name = "dim", .help = "Columns of the data.", .value = Setting::Whole{&dim}, .from_data = true},
          {.name = "width",
           .help = "With --field potential: units of each of its two layers.",
           .value = Setting::Whole{&width, 1, 1 << 12}},
          {.name = "rank",
           .help = "With --field potential: the most rows of its quadratic term.",
           .value = Setting::Whole{&rank, 1, 1 << 12}}};
}

Layout PotentialShape::layout() const {
  if (dim < 1 || width < 1 || rank < 1)
    throw std::invalid_argument("PotentialShape: width " + std::to_string(width) + " and rank " + std::to_string(rank) +
                                " over " + std::to_string(dim) + " dimensions; all are at least 1");
  Layout all;
  all.add("weight", width, dim + 1, false);
  all.add("bias", width, 1, true);
  all.add("inner_weight", width, width, false);
  all.add("inner_bias", width, 1, true);
  all.add("out_weight", width, 1, true);
  all.add("quadratic", std::min(rank, dim + 1), dim + 1, false);
  all.add("linear", dim + 1, 1, true);
  return all;
}

/// Ridges spread over data of unit variance; small velocities.
Vector<double> PotentialShape::initial_parameters(Seed seed) const {
  constexpr double kSharpness = 2, kSpread = 4, kInner = 1, kOut = 0.1, kQuadratic = 0.1;
  InitialParameters initial(layout(), seed);
  const double units = static_cast<double>(width), inputs = static_cast<double>(dim + 1);
  initial.draw_normal(0, kSharpness / std::sqrt(inputs));
  initial.draw_even(1, kSpread);
  initial.draw_normal(2, kInner / std::sqrt(units));
  initial.draw_even(3, kInner);
  initial.draw_normal(4, kOut / std::sqrt(units));
  initial.draw_normal(5, kQuadratic / std::sqrt(inputs));
  return initial.values();
}

}  // namespace cnf
