#include "solvers/control/error_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cnf {

template <class T>
Size ErrorNorm<T>::finite(const T* y) const {
  if (active_.empty()) {
    T sum = 0;
    for (Index i = 0; i < shape_.size(); ++i) sum += y[i] * 0;  // 0, or NaN
    if (sum == 0) return {};
  }
  return find_non_finite(y, nullptr);
}

/// The first sample with a value of x or of y (may be null) that is not finite, and bad_ of them all.
template <class T>
Size ErrorNorm<T>::find_non_finite(const T* x, const T* y) const {
  const auto finite = [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i)
      if (!std::isfinite(x[i]) || (y && !std::isfinite(y[i]))) return false;
    return true;
  };
  Size size;
  std::fill(bad_.begin(), bad_.end(), char{0});
  for (Index j = 0; j < shape_.B; ++j) {
    if (!is_active(j)) continue;
    if (finite(j * shape_.blocks.z, shape_.blocks.z) && finite(shape_.z() + j * shape_.blocks.q, shape_.blocks.q))
      continue;
    if (size.finite) size.row = j;
    if (!bad_.empty()) bad_[static_cast<std::size_t>(j)] = 1;
    size.finite = false;
  }
  if (!finite(shape_.z() + shape_.q(), shape_.blocks.s)) size.finite = false;
  return size;
}

/// Squares of the shares of components first ... into parts_, 0 without a tolerance: NaN where x or y1 is not finite.
/// Divided by the tolerance before they are squared, and capped, so that no finite error overflows.
template <class T>
void ErrorNorm<T>::square(const T* x, const T* y0, const T* y1, Index first, Index count,
                          const Tolerance* tolerance) const {
  constexpr T kTiny = std::numeric_limits<T>::min(), kCap = T(1e15);
  if (!tolerance) {
    for (Index i = first; i < first + count; ++i) parts_[i] = x[i] * 0 + y1[i] * 0;
    return;
  }
  const T atol = static_cast<T>(tolerance->absolute), rtol = static_cast<T>(tolerance->relative);
  for (Index i = first; i < first + count; ++i) {
    const T scale = std::max(atol + rtol * std::max(std::abs(y0[i]), std::abs(y1[i])), kTiny);
    const T r = std::min(std::abs(x[i]) / scale, kCap);
    parts_[i] = r * r + (x[i] * 0 + y1[i] * 0);
  }
}

template <class T>
double ErrorNorm<T>::mean(Index first, Index count) const {
  if (count == 0) return 0;
  double sum = 0;
  for (Index i = first; i < first + count; ++i) sum += static_cast<double>(parts_[i]);
  return sum / static_cast<double>(count);
}

template <class T>
Size ErrorNorm<T>::operator()(const T* x, const T* y0, const T* y1) const {
  const Index nz = shape_.z(), nq = shape_.q(), ns = shape_.blocks.s;
  const Tolerance of_z{options_.rtol, options_.atol}, of_q = options_.tolerance_q.value_or(of_z),
                                                      of_s = options_.tolerance_s.value_or(of_z);
  if (options_.tolerance_z.empty()) square(x, y0, y1, 0, nz, &of_z);
  for (Index i = 0; i < nz && !options_.tolerance_z.empty(); ++i) {
    const Tolerance of_row = options_.of_z(i % shape_.blocks.z);
    square(x, y0, y1, i, 1, &of_row);
  }
  if (nq > 0) square(x, y0, y1, nz, nq, options_.control_q ? &of_q : nullptr);
  if (ns > 0) square(x, y0, y1, nz + nq, ns, options_.control_s ? &of_s : nullptr);

  Size size;
  double largest = -1, tile_z = 0, tile_q = 0;
  Index active = 0;
  for (Index j = 0; j < shape_.B; ++j) {
    if (!is_active(j)) continue;
    ++active;
    const double z = mean(j * shape_.blocks.z, shape_.blocks.z);
    const double q = nq > 0 ? mean(nz + j * shape_.blocks.q, shape_.blocks.q) : 0;
    tile_z += z;
    tile_q += q;
    const double both = std::max(z, q);
    if (both > largest) largest = both, size.row = j;
  }
  const double s = mean(nz + nq, ns);
  if (!(tile_z + tile_q + s <= std::numeric_limits<double>::max())) {
    size = find_non_finite(x, y1);
    size.value = std::numeric_limits<double>::infinity();
    return size;
  }
  double square_norm = std::max(largest, 0.0);
  if (options_.norm == Norm::tile && active > 0) square_norm = std::max(tile_z, tile_q) / static_cast<double>(active);
  if (s > square_norm) square_norm = s, size.row = -1;
  size.value = std::sqrt(square_norm);
  return size;
}

template <class T>
double ErrorNorm<T>::rounding(const T* y, Index row) const {
  const Tolerance of_rest{options_.rtol, options_.atol};
  const auto share = [y](Index first, Index count, const auto& tolerance) {
    double sum = 0;
    for (Index i = first; i < first + count; ++i) {
      const Tolerance t = tolerance(i - first);
      const double size = std::abs(static_cast<double>(y[i]));
      const double part = std::numeric_limits<T>::epsilon() * size / (t.absolute + t.relative * size);
      if (size > 0) sum += part * part;
    }
    return count > 0 ? std::sqrt(sum / static_cast<double>(count)) : 0;
  };
  const Index nz = shape_.z(), nq = shape_.q();
  const auto of_q = [&](Index) { return options_.tolerance_q.value_or(of_rest); };
  const auto of_s = [&](Index) { return options_.tolerance_s.value_or(of_rest); };
  if (row < 0) return options_.control_s ? share(nz + nq, shape_.blocks.s, of_s) : 0;
  const double z = share(row * shape_.blocks.z, shape_.blocks.z, [&](Index i) { return options_.of_z(i); });
  return options_.control_q ? std::max(z, share(nz + row * shape_.blocks.q, shape_.blocks.q, of_q)) : z;
}

template <class T>
Size ErrorNorm<T>::roughest(const T* y, double most) const {
  Size size{.value = rounding(y, -1)};
  std::fill(bad_.begin(), bad_.end(), char{0});
  for (Index j = 0; j < shape_.B; ++j) {
    if (!is_active(j)) continue;
    const double own = rounding(y, j);
    if (own > size.value) size.value = own, size.row = j;
    if (own > most && !bad_.empty()) bad_[static_cast<std::size_t>(j)] = 1;
  }
  return size;
}

template class ErrorNorm<float>;
template class ErrorNorm<double>;

}  // namespace cnf
