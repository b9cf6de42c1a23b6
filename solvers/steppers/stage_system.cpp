// Invariants. J_ of a sample stays what it was until the sample is flagged for linearise(); LU_ is of (c_, J_) iff
// factored_. The tape is of the last linearise(), for every sample alike: GMRES and move() read it. Of a sample's
// Krylov space size_ vectors have been made; the residual left after n of them is |residuals[n]|.
#include "solvers/steppers/stage_system.hpp"

#include <algorithm>
#include <cmath>

namespace cnf {

template <class T>
StageSystem<T>::StageSystem(const Slope<T>& slope, bool judged)
    : slope_(slope), judged_(judged), D_(slope.shape.blocks.z), B_(slope.shape.B) {
  Scratch& scratch = slope.scratch;
  const Index n = slope.shape.z() + slope.shape.q();
  tape_ = scratch.take<T>(slope.f.tape_size(B_));
  v_ = scratch.take<T>(n);
  w_ = scratch.take<T>(n);
  if (dense()) {
    J_ = scratch.take<T>(D_ * D_ * B_);
    LU_ = scratch.take<T>(D_ * D_ * B_);
    pivots_ = scratch.take<int>(D_ * B_);
    factored_ = scratch.take<char>(B_);
    std::fill_n(J_, D_ * D_ * B_, T{0});
    std::fill_n(factored_, B_, char{0});
    return;
  }
  m_ = std::min(D_, kMostKrylov);
  basis_ = scratch.take<T>((m_ + 1) * D_ * B_);
  R_ = scratch.take<double>(m_ * m_ * B_);
  turns_ = scratch.take<double>((3 * m_ + 1) * B_);
  size_ = scratch.take<int>(B_);
  pending_ = scratch.take<char>(B_);
}

template <class T>
void StageSystem<T>::linearise(double t, const T* z, const char* which, T* k) {
  slope_(t, z, k, tape_);
  if (!dense()) return;
  for (Index i = 0; i < D_; ++i) {
    std::fill_n(v_, slope_.shape.z(), T{0});
    for (Index j = 0; j < B_; ++j) column(v_, j)[i] = 1;
    move(v_, 0, w_, false);
    for (Index j = 0; j < B_; ++j)
      if (which[j]) std::copy_n(column(w_, j), D_, J_ + (j * D_ + i) * D_);
  }
  for (Index j = 0; j < B_; ++j) {
    if (!which[j]) continue;
    T* const J = J_ + j * D_ * D_;
    if (judged_ && !std::all_of(J, J + D_ * D_, [](T x) { return std::isfinite(x); })) std::fill_n(J, D_ * D_, T{0});
    factored_[j] = 0;
  }
}

template <class T>
void StageSystem<T>::move(const T* v, double t_dot, T* out, bool with_q) {
  const T along = static_cast<T>(t_dot);
  const Index q = with_q ? slope_.shape.blocks.q : 0;
  slope_.f.jvp(tape_, Tile<T>(v, D_, B_), Times<T>(&along, 1), Out<T>(out, D_, B_),
               Out<T>(out + slope_.shape.z(), q, B_), slope_.scratch);
  ++slope_.counters.jvps;
}

template <class T>
void StageSystem<T>::set(double c) {
  if (dense() && c != c_) std::fill_n(factored_, B_, char{0});
  c_ = c;
}

/// Gaussian elimination with row exchanges of I - c J. A matrix that is singular leaves values that are not finite.
template <class T>
void StageSystem<T>::factor(Index j) {
  const T *const J = J_ + j * D_ * D_, c = static_cast<T>(c_);
  T* const A = LU_ + j * D_ * D_;
  int* const pivots = pivots_ + j * D_;
  for (Index i = 0; i < D_ * D_; ++i) A[i] = -c * J[i];
  for (Index i = 0; i < D_; ++i) A[i * D_ + i] += 1;
  for (Index p = 0; p < D_; ++p) {
    Index best = p;
    for (Index i = p + 1; i < D_; ++i)
      if (std::abs(A[p * D_ + i]) > std::abs(A[p * D_ + best])) best = i;
    pivots[p] = static_cast<int>(best);
    if (best != p)
      for (Index l = 0; l < D_; ++l) std::swap(A[l * D_ + p], A[l * D_ + best]);
    const T inverse = 1 / A[p * D_ + p];
    for (Index i = p + 1; i < D_; ++i) A[p * D_ + i] *= inverse;
    for (Index l = p + 1; l < D_; ++l) {
      const T factor = A[l * D_ + p];
      for (Index i = p + 1; i < D_; ++i) A[l * D_ + i] -= factor * A[p * D_ + i];
    }
  }
  factored_[j] = 1;
}

template <class T>
void StageSystem<T>::substitute(Index j, T* x) const {
  const T* const A = LU_ + j * D_ * D_;
  const int* const pivots = pivots_ + j * D_;
  for (Index p = 0; p < D_; ++p) std::swap(x[p], x[pivots[p]]);
  for (Index p = 0; p < D_; ++p)
    for (Index i = p + 1; i < D_; ++i) x[i] -= A[p * D_ + i] * x[p];
  for (Index p = D_ - 1; p >= 0; --p) {
    x[p] /= A[p * D_ + p];
    for (Index i = 0; i < p; ++i) x[i] -= A[p * D_ + i] * x[p];
  }
}

template <class T>
void StageSystem<T>::solve(T* x, const char* which, const T* scale, double tolerance) {
  if (!dense()) return krylov(x, which, scale, tolerance);
  for (Index j = 0; j < B_; ++j) {
    if (!which[j]) continue;
    if (!factored_[j]) factor(j);
    substitute(j, column(x, j));
  }
}

/// Works on scaled vectors x / scale, so that its least residual is the one that is judged.
template <class T>
void StageSystem<T>::krylov(T* x, const char* which, const T* scale, double tolerance) {
  const Index n = D_ * B_;
  const double enough = tolerance * std::sqrt(static_cast<double>(D_));
  const auto cosines = [&](Index j) { return turns_ + j * (3 * m_ + 1); };
  const auto sines = [&](Index j) { return cosines(j) + m_; };
  const auto residuals = [&](Index j) { return cosines(j) + 2 * m_; };
  const auto unit = [this](T* to, double length) {
    for (Index i = 0; i < D_; ++i) to[i] = static_cast<T>(static_cast<double>(to[i]) / length);
  };
  bool any = false;
  for (Index j = 0; j < B_; ++j) {
    size_[j] = 0;
    pending_[j] = 0;
    if (!which[j]) continue;
    T* const v = column(basis_, j);
    for (Index i = 0; i < D_; ++i) v[i] = column(x, j)[i] / scale[j * D_ + i];
    const double length = std::sqrt(dot(v, v, D_));
    residuals(j)[0] = length;
    pending_[j] = length > enough;
    if (pending_[j]) unit(v, length);
    any = any || pending_[j];
  }
  for (Index s = 0; any && s < m_; ++s) {
    const T* const V = basis_ + s * n;
    for (Index j = 0; j < B_; ++j)
      for (Index i = j * D_; i < (j + 1) * D_; ++i) v_[i] = pending_[j] ? V[i] * scale[i] : T{0};
    move(v_, 0, w_, false);
    any = false;
    for (Index j = 0; j < B_; ++j) {
      if (!pending_[j]) continue;
      T* const next = column(basis_ + (s + 1) * n, j);
      for (Index i = 0; i < D_; ++i) {
        const Index at = j * D_ + i;
        next[i] = V[at] - static_cast<T>(c_) * w_[at] / scale[at];
      }
      double* const r = R_ + (j * m_ + s) * m_;
      for (Index l = 0; l <= s; ++l) {
        const T* const u = column(basis_ + l * n, j);
        r[l] = dot(u, next, D_);
        for (Index i = 0; i < D_; ++i) next[i] -= static_cast<T>(r[l]) * u[i];
      }
      const double length = std::sqrt(dot(next, next, D_));
      for (Index l = 0; l < s; ++l) {
        const double above = r[l];
        r[l] = cosines(j)[l] * above + sines(j)[l] * r[l + 1];
        r[l + 1] = cosines(j)[l] * r[l + 1] - sines(j)[l] * above;
      }
      const double both = std::hypot(r[s], length);
      cosines(j)[s] = r[s] / both;
      sines(j)[s] = length / both;
      r[s] = both;
      residuals(j)[s + 1] = -sines(j)[s] * residuals(j)[s];
      residuals(j)[s] *= cosines(j)[s];
      size_[j] = static_cast<int>(s) + 1;
      pending_[j] = std::abs(residuals(j)[s + 1]) > enough;
      if (pending_[j]) unit(next, length);
      any = any || pending_[j];
    }
  }
  for (Index j = 0; j < B_; ++j) {
    if (!which[j]) continue;
    double* const y = residuals(j);
    std::fill_n(column(x, j), D_, T{0});
    for (Index s = size_[j] - 1; s >= 0; --s) {
      for (Index l = s + 1; l < size_[j]; ++l) y[s] -= R_[(j * m_ + l) * m_ + s] * y[l];
      y[s] /= R_[(j * m_ + s) * m_ + s];
      const T* const u = column(basis_ + s * n, j);
      for (Index i = 0; i < D_; ++i) column(x, j)[i] += static_cast<T>(y[s]) * u[i];
    }
    for (Index i = 0; i < D_; ++i) column(x, j)[i] *= scale[j * D_ + i];
  }
}

/// Dense: |J^4|^(1/4), by two squarings. Else the growth of a vector under J, after a few multiplications.
template <class T>
double StageSystem<T>::radius(const char* which) {
  double largest = 0;
  const auto length = [](const T* x, Index count) { return std::sqrt(dot(x, x, count)); };
  if (dense()) {
    const Scratch::Frame frame(slope_.scratch);
    T *power = slope_.scratch.template take<T>(D_ * D_), *square = slope_.scratch.template take<T>(D_ * D_);
    for (Index j = 0; j < B_; ++j) {
      if (!which[j]) continue;
      std::copy_n(J_ + j * D_ * D_, D_ * D_, power);
      double size = 1, root = 1;  // J^(1 / root) is power times size^(1 / root)
      for (int squaring = 0; squaring < 2; ++squaring) {
        const double now = length(power, D_ * D_);
        if (now == 0) break;
        for (Index i = 0; i < D_ * D_; ++i) power[i] = static_cast<T>(static_cast<double>(power[i]) / now);
        size *= std::pow(now, root);
        root /= 2;
        for (Index l = 0; l < D_; ++l)
          for (Index i = 0; i < D_; ++i) {
            T sum = 0;
            for (Index m = 0; m < D_; ++m) sum += power[m * D_ + i] * power[l * D_ + m];
            square[l * D_ + i] = sum;
          }
        std::swap(power, square);
      }
      largest = std::max(largest, size * std::pow(length(power, D_ * D_), root));
    }
    return largest;
  }
  constexpr int kTimes = 4;
  for (Index i = 0; i < D_ * B_; ++i) v_[i] = static_cast<T>(1 + (i % D_) % 3) * (i % 2 == 0 ? T(1) : T(-1));
  for (int times = 0; times < kTimes; ++times) {
    for (Index j = 0; j < B_; ++j) {
      T* const v = column(v_, j);
      const double now = length(v, D_);
      for (Index i = 0; i < D_; ++i)
        v[i] = which[j] && now > 0 ? static_cast<T>(static_cast<double>(v[i]) / now) : T{0};
    }
    move(v_, 0, w_, false);
    std::swap(v_, w_);
  }
  for (Index j = 0; j < B_; ++j)
    if (which[j]) largest = std::max(largest, length(column(v_, j), D_));
  return largest;
}

template class StageSystem<float>;
template class StageSystem<double>;

}  // namespace cnf
