// The eight point sets of the plane that papers on flows share, as densities: drawn, evaluated, entropy known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datasets/density.hpp"

namespace cnf {

/// One built-in set: circles, rings, moons, swissroll, pinwheel, 2spirals, checkerboard or 8gaussians, with the
/// constants of FFJORD's toy_data.py, except that points are independent draws: there some sets are stratified, with
/// an equal number of points in each part and equally spaced angles.
///
/// Error   log_prob: 1e-10 relative in p, at least within 30 noise widths of the set. Finite everywhere in the plane
///         but for checkerboard, -infinity outside its squares. pinwheel beyond |x| = 16, where log p < -270, is
///         averaged over the angle.
/// Cost    50 000 points of any set take under 0.5 s on one core.
/// Source  Grathwohl et al. (2019), FFJORD; circles, moons and swissroll are scikit-learn's.
class ToyDensity final : public Density {
 public:
  /// Draws one point from the addressed randomness it is given.
  struct Address {
    Seed seed;
    Purpose purpose;
    std::uint32_t step;
    std::uint64_t sample;
  };
  struct Definition {
    std::string_view name;
    double entropy, entropy_error;
    void (*draw)(const Address& at, double x[2]);
    double (*log_prob)(double x, double y);
  };
  explicit ToyDensity(const Definition& definition) : definition_(definition) {}

  std::string name() const override { return std::string(definition_.name); }
  Box box() const override { return {}; }
  double entropy() const override { return definition_.entropy; }
  double entropy_error() const override { return definition_.entropy_error; }
  using Density::sample;
  void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const override;
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const override;
  double log_prob(double x, double y) const { return definition_.log_prob(x, y); }

 private:
  Definition definition_;
};

/// The set of that name, or nullptr. The object lives as long as the program.
const ToyDensity* find_toy(std::string_view name);

/// All names, in alphabetical order with digits first.
std::vector<std::string> toy_names();

}  // namespace cnf
