// Invariants. Steps that are held come before those that are not. While no held step is at hand, k_ and tape_ hold the
// stages of step n_, and end_ and end_tape_ the first of the step after it, which was at hand before. past_[m] points
// into the recording or to past_again_[m].
#include "solvers/replay.hpp"

#include <algorithm>

namespace cnf {

template <class T>
Replay<T>::Replay(const Dynamics<T>& dynamics, const Recording<T>& recording, Scratch& scratch, Counters& counters)
    : recording_(recording), shape_(recording.shape()), scratch_(scratch), slope_{dynamics, shape_,   {},
                                                                                  scratch,  counters, &window_} {
  if (recording.steps() == 0 || recording.holds(recording.steps() - 1)) return;
  const Index tape_size = dynamics.tape_size(shape_.B);
  for (int i = 0; i < recording.most_stages(); ++i) {
    k_[i] = scratch.take<T>(shape_.size());
    tape_[i] = scratch.take<T>(tape_size);
  }
  for (int m = 1; m <= recording.most_history(); ++m) past_again_[m] = scratch.take<T>(shape_.size());
  end_ = scratch.take<T>(shape_.size());
  end_tape_ = scratch.take<T>(tape_size);
  z_ = scratch.take<T>(shape_.z());
}

/// Makes past_ that of step n. Of the step after n, if it was at hand, all but the earliest slope are there already.
template <class T>
void Replay<T>::find_past(Index n, int history) {
  const bool next_was = n_ == n + 1 && recording_.rule(n_).history() == history;
  const int known = next_was && history > 0 ? history - 1 : 0;
  if (known > 0) {
    std::rotate(past_.begin() + 1, past_.begin() + 2, past_.begin() + history + 1);
    std::rotate(past_again_.begin() + 1, past_again_.begin() + 2, past_again_.begin() + history + 1);
  }
  for (int m = known + 1; m <= history; ++m) {
    if (recording_.holds(n - m)) {
      past_[m] = recording_.k(n - m, 0);
      continue;
    }
    slope_(recording_.t(n - m), recording_.z(n - m), past_again_[m], static_cast<T*>(nullptr));
    past_[m] = past_again_[m];
  }
}

template <class T>
void Replay<T>::go_to(Index n) {
  if (!held_) std::swap(k_[0], end_), std::swap(tape_[0], end_tape_);
  const StepRule& rule = recording_.rule(n);
  find_past(n, rule.history());
  n_ = n;
  held_ = recording_.holds(n);
  window_ = recording_.window(n);
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

template <class T>
void Replay<T>::evaluate_extra() {
  const StepRule& rule = recording_.rule(n_);
  const int S = rule.stages();
  Slots<T> k{}, tape{};
  for (int i = 0; i <= S; ++i) k[i] = const_cast<T*>(i < S ? this->k(i) : end());  // it reads alone
  for (int e = 0; e < rule.extra(); ++e) {
    extra_[e] = k[S + 1 + e] = scratch_.take<T>(shape_.size());
    extra_tape_[e] = tape[S + 1 + e] = scratch_.take<T>(slope_.f.tape_size(shape_.B));
  }
  const Scratch::Frame frame(scratch_);
  T* const z = scratch_.take<T>(shape_.z());
  cnf::evaluate_extra(slope_, rule, shape_, recording_.t(n_), recording_.t(n_ + 1), recording_.z(n_), k, tape, z);
}

template class Replay<float>;
template class Replay<double>;

}  // namespace cnf
