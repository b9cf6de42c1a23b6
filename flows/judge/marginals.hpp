// Points of any dimension, a column or two at a time: bars, and densities smooth enough for contours.
#pragma once

#include "base/box.hpp"
#include "base/types.hpp"

namespace cnf {

struct Interval {
  double low = 0, high = 1;
};

/// Equal bins from `low` on; the height is the share of all values in a bin over its width.
struct Histogram {
  double low = 0, width = 1;
  Vector<double> height;
};

/// The histogram of the values that lie in the range, as shares of all of them. Bins are as wide as Freedman and
/// Diaconis (1981) say, 2 IQR / n^(1/3), at least 8 and at most `most` of them; where the values are multiples of a
/// step that is not much finer, as whole numbers are, a bin holds a whole number of steps, its edges between them.
/// Throws std::invalid_argument for a range that is empty, or most < 8.
Histogram histogram_of(const Eigen::Ref<const Vector<double>>& values, const Interval& range, Index most);

/// The density of the values at the centres of n equal cells: a histogram, smoothed by a Gaussian half as wide as
/// Scott's rule, spread n^(-1/5), so that modes stay apart. Shares of all values: what lies outside is missing.
/// Throws std::invalid_argument for a range that is empty.
Vector<double> smooth_marginal(const Eigen::Ref<const Vector<double>>& values, const Interval& range, Index n);

/// The same of pairs, by the rule of the plane, spread n^(-1/6). Below the level that holds nine tenths of the values
/// it goes over into what a Gaussian three times as wide makes, so that tails are no islands around single values.
/// Shapes  returns ny x nx, row 0 = lowest y.
Matrix<double> smooth_marginal(const Eigen::Ref<const Vector<double>>& x, const Eigen::Ref<const Vector<double>>& y,
                               const Box& range, Index nx, Index ny);

}  // namespace cnf
