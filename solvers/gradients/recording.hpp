// The accepted steps of a solve, with what their transposes need.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "solvers/gradients/checkpoints.hpp"
#include "solvers/gradients/memory_plan.hpp"
#include "solvers/integrate.hpp"
#include "solvers/step.hpp"
#include "solvers/window.hpp"

namespace cnf {

/// Values by number, added at the end: memory grows by pieces of kMarksOf, and is kept.
template <class V>
class Grown {
 public:
  Index size() const { return size_; }
  V operator[](Index i) const {
    const auto at = static_cast<std::size_t>(i);
    return pieces_[at / kMarksOf][at % kMarksOf];
  }
  void push_back(V value) {
    const auto at = static_cast<std::size_t>(size_);
    if (at / kMarksOf == pieces_.size()) pieces_.push_back(std::make_unique<V[]>(kMarksOf));
    pieces_[at / kMarksOf][at % kMarksOf] = value;
    ++size_;
  }
  void clear() { size_ = 0; }

 private:
  Index size_ = 0;
  std::vector<std::unique_ptr<V[]>> pieces_;
};

/// What one step of a solve takes in a recording; tape_size: Dynamics::tape_size of the tile.
template <class T>
StepMemory step_memory(const Shape& shape, Index tape_size, const Method& method);
SolveLength length_of(const SolveOptions& options);

/// Filled by integrate, read by discrete_adjoint. It keeps every step's time and rule, of the first steps each stage's
/// tape and derivative, and states from which the other steps are computed again to the same bits: as many as a plan
/// (memory_plan.hpp) finds best for `budget_bytes`, which bound all that is kept and what the way back needs to compute
/// a step again. Not in them: the solve's own work arrays and what a dynamics takes for one evaluation.
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
  explicit Recording(std::size_t budget_bytes = kDefaultBudget) : budget_(budget_bytes) {}

  /// For solves that begin from now on. reserve: all of it is taken when the next begins, whatever that needs, so that
  /// what fits then fits later; but for reversible methods, which have no use for it.
  void set_budget(std::size_t bytes, bool reserve = false) {
    budget_ = bytes;
    reserve_ = reserve;
  }

  Index steps() const { return steps_; }
  double t_begin() const { return t_begin_; }
  double t_end() const { return t_end_; }
  /// n = 0 ... steps().
  double t(Index n) const {
    if (n == 0) return t_begin_;
    if (equal_ == 0) return ends_[n - 1];
    return n == equal_ ? t_end_ : t_begin_ + fraction(n) * (t_end_ - t_begin_);
  }
  double h(Index n) const { return t(n + 1) - t(n); }
  /// (t_n - t_begin) / (t_end - t_begin).
  double fraction(Index n) const {
    if (n == 0) return 0;
    if (equal_ > 0) return static_cast<double>(n) / static_cast<double>(equal_);
    return on_grid_ ? shares_[n - 1] : (ends_[n - 1] - t_begin_) / (t_end_ - t_begin_);
  }
  /// All of them: the frozen grid, for SolveOptions::fractions.
  std::vector<double> fractions() const;
  const StepRule& rule(Index n) const { return rules_[rule_of_[n]]; }
  int most_stages() const { return step_.stages; }    ///< of any step
  int most_history() const { return step_.history; }  ///< earlier slopes that any step reads
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
  /// What is kept, and what that leaves to be computed again on the first way back.
  MemoryPlan plan() const;

  /// Whether step n has its stages here; if not they are to be computed again. Steps before one that has them do too.
  bool holds(Index n) const { return n < held_; }
  const T* k(Index n, int i) const { return slot(n, i); }
  const T* tape(Index n, int i) const { return slot(n, i) + k_size_; }
  /// z at the start of step n, which has its stages here, of a method with stages besides (Tableau::extra_stages).
  const T* z(Index n) const { return slot(n, 0) + z_at_; }
  /// Of steps without stages: z at the start, then most_history() slopes of z at the starts of the steps before.
  Checkpoints& states() { return states_; }

  /// A sample that stood still after one of the steps, by an event: so it does where steps are computed again.
  struct Rest {
    Index sample, step;
  };
  void rest(Rest sample) { rests_.push_back(sample); }
  std::span<const Rest> rests() const { return rests_; }

  /// Of a solve by a reversible method: all that is kept is its start (z), its end (z), the companion there (of all
  /// blocks), the times, and of samples at rest z at the end of their last step and what that step is taken back from
  /// besides: the companion (z's rows) at its start, of leapfrog that at its end. Else null.
  const ReversibleMethod* reversible() const { return reversible_; }
  const T* start() const { return pair_.data(); }
  const T* end() const { return pair_.data() + shape_.z(); }
  const T* companion() const { return pair_.data() + 2 * shape_.z(); }
  const T* z_of(const Rest& rest) const { return rest_pair() + rest.sample * shape_.blocks.z; }
  const T* companion_of(const Rest& rest) const { return z_of(rest) + shape_.z(); }

  // What follows is for integrate.

  /// Forgets everything; the grid will run from t_begin to t_end. Throws std::invalid_argument for a budget that is too
  /// small.
  void begin(const Shape& shape, Index tape_size, double t_begin, double t_end, const SolveOptions& options);
  /// A step is about to be tried from z: room for its stages is made, or its state is kept, as is planned.
  void open(const T* z, const StepRule& rule, const Past<T>& past);
  T* k(Index n, int i) { return slot(n, i); }
  T* tape(Index n, int i) { return slot(n, i) + k_size_; }
  /// The step under way is a jump's, by the rule kJump.
  void mark_jump() { jumps_.push_back(steps()); }
  /// The step under way ends at t, which is the fraction s of the way.
  void accept(double t, double s) {
    ++steps_;
    if (equal_ > 0) return;
    ends_.push_back(t);
    if (on_grid_) shares_.push_back(s);
  }

  /// The same of a reversible method, which begins at z: its end, and its companion there.
  void start(const T* z) { std::copy_n(z, shape_.z(), pair_.data()); }
  void accept(double t, double s, const T* z, const T* companion) {
    accept(t, s);
    std::copy_n(z, shape_.z(), pair_.data() + shape_.z());
    std::copy_n(companion, shape_.size(), pair_.data() + 2 * shape_.z());
  }
  /// The step under way is a sample's last: its z and companion, as they are said to be kept above.
  void rest(Index sample, const T* z, const T* companion) {
    rests_.push_back({sample, steps()});
    const Index D = shape_.blocks.z;
    std::copy_n(z, D, rest_pair() + sample * D);
    std::copy_n(companion, D, rest_pair() + shape_.z() + sample * D);
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };

  void grow();
  T* rest_pair() { return pair_.data() + 2 * shape_.z() + shape_.size(); }
  const T* rest_pair() const { return pair_.data() + 2 * shape_.z() + shape_.size(); }
  T* slot(Index n, int i) const {
    const std::size_t at = first_[n] + static_cast<std::size_t>(i);
    return reinterpret_cast<T*>(pieces_[at / plan_.slots.units].get()) + at % plan_.slots.units * stride_;
  }

  std::size_t budget_;
  bool reserve_ = false;
  Shape shape_;
  double t_begin_ = 0, t_end_ = 0;
  Index steps_ = 0;
  Index equal_ = 0;       ///< so many equal steps are taken, and no time is kept; 0: they are not equal
  bool on_grid_ = false;  ///< shares_ are kept too, not found from the times
  Grown<double> ends_, shares_;
  Grown<unsigned char> rule_of_;
  std::vector<StepRule> rules_;
  MemoryPlan plan_;
  StepMemory step_;
  Index held_ = 0;
  std::size_t slots_ = 0;       ///< of stages, that there may be
  Grown<std::uint32_t> first_;  ///< every held step's first slot, and the one after
  std::vector<Index> jumps_;
  std::size_t k_size_ = 0, stride_ = 1;
  std::size_t z_at_ = 0;  ///< where in the slot of a step's first stage its z is; 0: nowhere
  std::vector<std::unique_ptr<std::byte[], Free>> pieces_;
  Checkpoints states_;
  const ReversibleMethod* reversible_ = nullptr;
  std::vector<T> pair_;  ///< start, end, companion, and of samples at rest z and companion
  std::vector<Rest> rests_;
};

}  // namespace cnf
