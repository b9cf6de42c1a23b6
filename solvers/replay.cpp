// Invariants. Steps that are held come before those that are not. While no held step is at hand, k_ and tape_ hold the
// stages of step n_ and end_ the first slope of the step after it, which was at hand before.
#include "solvers/replay.hpp"

#include <algorithm>

namespace cnf {

template <class T>
Replay<T>::Replay(const Dynamics<T>& dynamics, const Recording<T>& recording, Scratch& scratch)
    : f_(dynamics),
      recording_(recording),
      shape_(recording.shape()),
      scratch_(scratch),
      slope_{dynamics, shape_, {}, scratch, counters_} {
  if (recording.steps() == 0 || recording.holds(recording.steps() - 1)) return;
  int stages = 0, history = 0;
  for (Index n = 0; n < recording.steps(); ++n) {
    stages = std::max(stages, recording.rule(n).stages());
    history = std::max(history, recording.rule(n).history());
  }
  const Index tape_size = dynamics.tape_size(shape_.B);
  for (int i = 0; i < stages; ++i) {
    k_[i] = scratch.take<T>(shape_.size());
    tape_[i] = scratch.take<T>(tape_size);
  }
  for (int m = 1; m <= history; ++m) past_again_[m] = scratch.take<T>(shape_.size());
  end_ = scratch.take<T>(shape_.size());
  end_tape_ = scratch.take<T>(tape_size);
  z_ = scratch.take<T>(shape_.z());
}

template <class T>
void Replay<T>::go_to(Index n) {
  if (!held_) std::copy_n(k_[0], shape_.size(), end_);
  n_ = n;
  held_ = recording_.holds(n);
  const StepRule& rule = recording_.rule(n);
  for (int m = 1; m <= rule.history(); ++m) {
    if (recording_.holds(n - m)) {
      past_[m] = recording_.k(n - m, 0);
      continue;
    }
    slope_(recording_.t(n - m), recording_.z(n - m), past_again_[m], static_cast<T*>(nullptr));
    past_[m] = past_again_[m];
  }
  if (!held_)
    evaluate_stages(slope_, rule, shape_, recording_.t(n), recording_.t(n + 1), recording_.z(n), 0, rule.stages(), k_,
                    tape_, past_, z_);
}

template <class T>
void Replay<T>::evaluate_last() {
  if (held_) return;
  const Scratch::Frame frame(scratch_);
  T* const y_next = scratch_.take<T>(shape_.size());
  T* const y = scratch_.take<T>(shape_.size());  // z alone is needed: the other blocks' values do not matter
  std::fill_n(y, shape_.size(), T{0});
  std::copy_n(recording_.z(n_), shape_.z(), y);
  advance(y_next, recording_.rule(n_), shape_, y, recording_.h(n_), k_, past_);
  slope_(recording_.t(n_ + 1), y_next, end_, end_tape_);
}

template class Replay<float>;
template class Replay<double>;

}  // namespace cnf
