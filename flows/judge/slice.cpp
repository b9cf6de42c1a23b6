#include "flows/judge/slice.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace cnf {
namespace {

/// The ends, in cells, of what lies between the 0.5 % and the 99.5 % of the mass, widened by a twelfth.
void narrow(const Vector<double>& mass, double& low, double& high) {
  const double n = static_cast<double>(mass.size()), all = mass.sum();
  Index first = 0, last = mass.size() - 1;
  for (double held = mass[first]; held < 0.005 * all && first < last;) held += mass[++first];
  for (double held = mass[last]; held < 0.005 * all && first < last;) held += mass[--last];
  const double margin = std::max(1.0, static_cast<double>(last + 1 - first) / 12);
  const double from = std::max(0.0, static_cast<double>(first) - margin);
  const double to = std::min(n, static_cast<double>(last + 1) + margin);
  const double begin = low, size = high - low;
  low = begin + size * from / n, high = begin + size * to / n;
}

}  // namespace

Batch Slice::lift(const Eigen::Ref<const Batch>& plane) const {
  if (plane.rows() != 2 || x < 0 || y < 0 || x >= at.size() || y >= at.size() || x == y)
    throw std::invalid_argument("Slice: points of " + std::to_string(plane.rows()) + " rows in the plane of columns " +
                                std::to_string(x) + " and " + std::to_string(y) + " of " + std::to_string(at.size()));
  Batch points = at.replicate(1, plane.cols());
  points.row(x) = plane.row(0), points.row(y) = plane.row(1);
  return points;
}

Box mass_box(const Matrix<double>& density, const Box& window) {
  const double greatest = density.unaryExpr([](double v) { return v > 0 ? v : 0.0; }).maxCoeff();
  if (!(greatest > 0)) return window;
  const Matrix<double> mass = density.unaryExpr([greatest](double v) { return v > 0 ? v / greatest : 0.0; });
  Box box = window;
  narrow(mass.colwise().sum().transpose(), box.x0, box.x1);
  narrow(mass.rowwise().sum(), box.y0, box.y1);
  return box;
}

}  // namespace cnf
