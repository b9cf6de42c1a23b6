// Invariants. Step n runs from times_[n - 1] (t_begin_) to times_[n]; values(n) holds its z at nodes 1 ... degree_, the
// last of which is its end; at node 0 it is the step before that has it, or start_.
#include "solvers/gradients/dense_track.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "base/number_text.hpp"

namespace cnf {

namespace {

constexpr int kMostDegree = 16;

}  // namespace

template <class T>
int DenseTrack<T>::degree(const Method& method) {
  return std::clamp(method.dense_order(), 3, kMostDegree);
}

template <class T>
std::size_t DenseTrack<T>::bytes(std::size_t steps) const {
  const std::size_t pieces = (steps + per_piece_ - 1) / per_piece_, marks = (steps / kMarksOf + 1) * kMarksOf;
  return sizeof(T) * (start_.size() + pieces * per_piece_ * step_size_) + sizeof(double) * marks;
}

template <class T>
void DenseTrack<T>::begin(const Shape& shape, const T* z, double t_begin, double t_end, const SolveOptions& options,
                          std::size_t budget) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  shape_ = shape;
  t_begin_ = t_begin;
  t_end_ = t_end;
  budget_ = budget;
  full_ = false;
  times_.clear();
  start_.assign(z, z + shape.z());
  const int p = degree(options.method);
  if (p != degree_) {
    degree_ = p;
    nodes_.clear();
    weights_.clear();
    for (int j = 0; j <= p; ++j) {
      nodes_.push_back((1 - std::cos(std::numbers::pi * j / p)) / 2);
      weights_.push_back((j % 2 == 0 ? 1.0 : -1.0) * (j == 0 || j == p ? 0.5 : 1.0));
    }
    nodes_.back() = 1;
  }
  const std::size_t size = static_cast<std::size_t>(p) * start_.size();
  const std::size_t units = std::min(kPiece, budget / 16) / std::max<std::size_t>(size * sizeof(T), 1);
  if (size != step_size_ || std::max<std::size_t>(units, 1) != per_piece_) pieces_.clear();
  step_size_ = size;
  per_piece_ = std::max<std::size_t>(units, 1);
  const Index steps = length_of(options).steps;
  if (bytes(static_cast<std::size_t>(steps)) <= budget) return;
  throw std::invalid_argument("the gradient's memory is " + size_text(budget) + ", but " + std::to_string(steps) +
                              " steps as functions of time take " + size_text(bytes(static_cast<std::size_t>(steps))) +
                              "; raise it, or take the discrete gradient, which computes steps again");
}

template <class T>
Next DenseTrack<T>::look(const DenseStep<T>& step, T*) {
  const Index n = times_.size();
  if (full_) return Next::go_on;
  if (bytes(static_cast<std::size_t>(n) + 1) > budget_) {
    full_ = true;
    full_at_ = step.t;
    return Next::go_on;
  }
  if (static_cast<std::size_t>(n) / per_piece_ == pieces_.size())
    pieces_.push_back(std::make_unique<T[]>(per_piece_ * step_size_));
  times_.push_back(step.t_next);
  for (int j = 1; j <= degree_; ++j)
    step(nodes_[static_cast<std::size_t>(j)], 0, shape_.z(), values(n) + (j - 1) * shape_.z());
  return Next::go_on;
}

template <class T>
void DenseTrack<T>::operator()(double t, Index first, Index count, T* out) const {
  const Index D = shape_.blocks.z, offset = first * D, size = count * D;
  const bool forwards = t_end_ >= t_begin_;
  Index n = 0;
  for (Index last = times_.size() - 1; n < last;) {  // the first step that ends at t or later
    const Index middle = (n + last) / 2;
    if (forwards ? times_[middle] < t : times_[middle] > t)
      n = middle + 1;
    else
      last = middle;
  }
  const auto node = [&](int j) {
    return j > 0   ? values(n) + (j - 1) * shape_.z()
           : n > 0 ? values(n - 1) + (degree_ - 1) * shape_.z()
                   : start_.data();
  };
  const double t0 = n > 0 ? times_[n - 1] : t_begin_;
  const double theta = times_.size() == 0 ? 0 : t == times_[n] ? 1 : (t - t0) / (times_[n] - t0);
  std::array<double, kMostDegree + 1> w{};
  double sum = 0;
  for (int j = 0; j <= degree_; ++j) {
    const double distance = theta - nodes_[static_cast<std::size_t>(j)];
    if (distance == 0) {
      std::copy_n(node(j) + offset, size, out);
      return;
    }
    w[static_cast<std::size_t>(j)] = weights_[static_cast<std::size_t>(j)] / distance;
    sum += w[static_cast<std::size_t>(j)];
  }
  std::fill_n(out, size, T{0});
  for (int j = 0; j <= degree_; ++j) {
    const T weight = static_cast<T>(w[static_cast<std::size_t>(j)] / sum);
    const T* const z = node(j) + offset;
    for (Index r = 0; r < size; ++r) out[r] += weight * z[r];
  }
}

template class DenseTrack<float>;
template class DenseTrack<double>;

}  // namespace cnf
