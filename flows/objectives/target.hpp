// A density that is known up to a factor, and the way to it from the base.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/standardisation.hpp"
#include "flows/setting.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

/// p~ = Z p with Z unknown, as a C++ functor.
struct Target {
  /// log p~(x) of one point in the user's units, nats; -infinity where p~ is 0. Writes d log p~ / dx to `slope`, as
  /// many values as x has, unless that is empty. Called from several threads at once.
  std::function<double(std::span<const double> x, std::span<double> slope)> log_density{};
  /// Over the first so many steps the target is p~^b N(0, I)^(1 - b) in unit coordinates, b = (step + 1) / anneal: it
  /// begins at what a new flow is, and its modes part while the flow covers all of them. 0: p~ from the first step.
  /// Source  Neal (2001), Annealed importance sampling, Stat. Comput. 11, 125-139, eq. 3: the geometric path.
  Index anneal = 600;

  double share(std::uint32_t step) const {
    const double made = static_cast<double>(step) + 1, of = static_cast<double>(anneal);
    return made >= of ? 1 : made / of;
  }
};

/// log p~ of the columns of x, D x N, in the user's units.
Vector<double> log_densities(const Target& target, const Eigen::Ref<const Batch>& x);

/// The target of one step by unit coordinates. Memory: of one thread.
class TargetInUnits {
 public:
  TargetInUnits(const Target& target, const Standardisation& scaling, std::uint32_t step);

  /// log of p~ dx/du at one point, on its way from the base; its derivative by u to du unless that is null.
  template <class T>
  double log_density(const T* u, T* du);

 private:
  const Target& target_;
  const Standardisation& scaling_;
  double by_, log_det_;
  std::vector<double> x_, slope_;
};

/// What objectives of a target refuse: no functor, a base other than N(0, I), terms beside the solve.
void check_target(std::string_view objective, const Target& target, const FlowOptions& flow, const Cnf& model);
Setting anneal_setting(Target& target);
/// Of a draw where log p~ or its slope is no finite number.
Status no_density(Index row, double t);

}  // namespace cnf
