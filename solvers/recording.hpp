// The accepted steps of a solve, with what their transposes need.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "solvers/step.hpp"
#include "solvers/window.hpp"

namespace cnf {

/// Filled by integrate, read by discrete_adjoint. Of every step it keeps its rule, the time, its share of the way and z
/// at its start; of the first steps, as long as all of this fits `budget_bytes`, also each stage's tape and derivative.
/// What lies beyond the budget discrete_adjoint computes again, one step at a time, to the same bits. (z itself is kept
/// for every step, whatever the budget: it counts against it, but is never thinned.)
///
/// The tableaus and Adams methods of the solve are pointed to: a table of your own must outlive the recording. Of
/// masked samples (SolveExtras::active) what is computed again is not what it was: their cotangents must be 0.
///
/// A step's stages lie in slots of their own, one after the other from first(n): under FSAL the last stage of a step is
/// the first of the next, in one slot. A rejected try leaves nothing: the next one overwrites it. Memory is kept from
/// solve to solve.
template <class T>
class Recording {
 public:
  static constexpr std::size_t kDefaultBudget = std::size_t{256} << 20;
  explicit Recording(std::size_t budget_bytes = kDefaultBudget) : budget_(budget_bytes), next_budget_(budget_bytes) {}

  /// For solves that begin from now on.
  void set_budget(std::size_t bytes) { next_budget_ = bytes; }

  Index steps() const { return static_cast<Index>(times_.size()) - 1; }
  double t_begin() const { return t_begin_; }
  double t_end() const { return t_end_; }
  double t(Index n) const { return times_[n]; }  ///< n = 0 ... steps()
  double h(Index n) const { return times_[n + 1] - times_[n]; }
  /// (t_n - t_begin) / (t_end - t_begin), n = 0 ... steps(): the frozen grid, for SolveOptions::fractions.
  const std::vector<double>& fractions() const { return fractions_; }
  const StepRule& rule(Index n) const { return rules_[n]; }
  int most_stages() const { return most_stages_; }    ///< of any step
  int most_history() const { return most_history_; }  ///< earlier slopes that any step reads
  /// The steps without length, ascending: there the slope jumps.
  std::span<const Index> jumps() const { return jumps_; }
  /// Where step n sees the slope; a step without length what it was before.
  Window window(Index n) const {
    Window w;
    for (const Index j : jumps_) {
      ((j < n) == (t_end_ > t_begin_) ? w.low : w.high) = t(j);
      if (j >= n) break;
    }
    return w;
  }
  const Shape& shape() const { return shape_; }
  const T* z(Index n) const { return z_.data() + n * shape_.z(); }  ///< at the start of step n

  /// Whether step n has its stages here; if not they are to be computed again. Steps before one that has them do too.
  bool holds(Index n) const {
    const std::size_t stages = (first_[n] + static_cast<std::size_t>(rules_[n].stages()) + 1) * stride_;
    const std::size_t states = static_cast<std::size_t>((n + 1) * shape_.z());
    return stages + states <= budget_ / sizeof(T);
  }
  const T* k(Index n, int i) const { return slot(n, i); }
  const T* tape(Index n, int i) const { return slot(n, i) + k_size_; }

  // What follows is for integrate.

  /// Forgets everything; the grid will run from t_begin to t_end.
  void begin(const Shape& shape, Index tape_size, double t_begin, double t_end) {
    budget_ = next_budget_;
    most_stages_ = most_history_ = 0;
    shape_ = shape;
    t_begin_ = t_begin;
    t_end_ = t_end;
    times_.assign(1, t_begin);
    fractions_.assign(1, 0.0);
    rules_.clear();
    first_.assign(1, 0);
    jumps_.clear();
    z_.clear();
    k_size_ = rounded(static_cast<std::size_t>(shape.size()));
    stride_ = std::max(k_size_ + rounded(static_cast<std::size_t>(tape_size)), kLine);
    if (stride_ * sizeof(T) > chunk_bytes_) {
      chunks_.clear();
      chunk_bytes_ = stride_ * sizeof(T);
    }
    per_chunk_ = chunk_bytes_ / (stride_ * sizeof(T));
  }
  /// Keeps z at the start of the step about to be tried; makes room for its stages if the budget allows.
  void open(const T* z, const StepRule& rule) {
    const Index n = steps();
    rules_.push_back(rule);
    most_stages_ = std::max(most_stages_, rule.stages());
    most_history_ = std::max(most_history_, rule.history());
    z_.insert(z_.end(), z, z + shape_.z());
    if (!holds(n)) return;
    const std::size_t last = first_[n] + static_cast<std::size_t>(rule.stages());
    while (chunks_.size() <= last / per_chunk_)
      chunks_.emplace_back(static_cast<std::byte*>(::operator new[](chunk_bytes_, std::align_val_t{64})));
  }
  T* k(Index n, int i) { return slot(n, i); }
  T* tape(Index n, int i) { return slot(n, i) + k_size_; }
  /// The step under way is a jump's, by the rule kJump.
  void mark_jump() { jumps_.push_back(steps()); }
  /// The step under way ends at t, which is the fraction s of the way.
  void accept(double t, double s) {
    first_.push_back(first_.back() + static_cast<std::size_t>(rules_.back().stages()));
    times_.push_back(t);
    fractions_.push_back(s);
  }

 private:
  static constexpr std::size_t kLine = 64 / sizeof(T);
  static std::size_t rounded(std::size_t n) { return (n + kLine - 1) / kLine * kLine; }
  struct Free {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };

  T* slot(Index n, int i) const {
    const std::size_t at = first_[n] + static_cast<std::size_t>(i);
    return reinterpret_cast<T*>(chunks_[at / per_chunk_].get()) + at % per_chunk_ * stride_;
  }

  std::size_t budget_, next_budget_;
  Shape shape_;
  double t_begin_ = 0, t_end_ = 0;
  std::vector<double> times_{0.0}, fractions_{0.0};
  std::vector<StepRule> rules_;  ///< of every step, and of the one under way
  int most_stages_ = 0, most_history_ = 0;
  std::vector<std::size_t> first_{0};  ///< every step's first slot
  std::vector<T> z_;
  std::vector<Index> jumps_;
  std::size_t k_size_ = 0, stride_ = kLine, per_chunk_ = 1, chunk_bytes_ = std::size_t{1} << 20;
  std::vector<std::unique_ptr<std::byte[], Free>> chunks_;
};

}  // namespace cnf
