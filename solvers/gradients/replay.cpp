// Invariants. Steps that are held come before those that are not. While no held step is at hand, k_ and tape_ hold the
// stages of step n_, y_ z at its start, and end_ and end_tape_ the first of the step after it, which was at hand
// before. past_[m] points into the recording or to past_again_[m], where there is z's slope alone.
#include "solvers/gradients/replay.hpp"

#include <algorithm>
#include <utility>

namespace cnf {

template <class T>
Replay<T>::Replay(const Dynamics<T>& dynamics, Recording<T>& recording, Scratch& scratch, Counters& counters)
    : recording_(recording), shape_(recording.shape()), scratch_(scratch), slope_{dynamics, shape_,   {},
                                                                                  scratch,  counters, &window_} {
  if (recording.steps() == 0 || recording.holds(recording.steps() - 1)) return;
  const Index tape_size = dynamics.tape_size(shape_.B);
  for (int i = 0; i < recording.most_stages(); ++i) {
    k_[i] = scratch.take<T>(shape_.size());
    tape_[i] = scratch.take<T>(tape_size);
  }
  for (int m = 1; m <= recording.most_history(); ++m) past_again_[m] = scratch.take<T>(shape_.z());
  end_ = scratch.take<T>(shape_.size());
  end_tape_ = scratch.take<T>(tape_size);
  for (T** z : {&y_, &y_next_, &z_}) *z = scratch.take<T>(shape_.z());
  recording_.states().rewind();
  if (recording.rests().empty()) return;
  active_ = {scratch.take<char>(shape_.B), static_cast<std::size_t>(shape_.B)};
  std::fill(active_.begin(), active_.end(), char{1});
  slope_.active = active_;
}

template <class T>
void Replay<T>::go_to(Index n) {
  if (!held_) std::swap(k_[0], end_), std::swap(tape_[0], end_tape_);
  n_ = n;
  held_ = recording_.holds(n);
  window_ = recording_.window(n);
  if (!held_) return compute(n);
  if (!active_.empty()) mask(n);
  for (int m = 1; m <= recording_.rule(n).history(); ++m) past_[m] = recording_.k(n - m, 0);
}

/// The state at the start of step n, by way of states that are kept on the way, then its stages.
template <class T>
void Replay<T>::compute(Index n) {
  Checkpoints& states = recording_.states();
  Index at = states.seek(n);
  const auto load = [&] {
    const T* const state = reinterpret_cast<const T*>(states.state());
    std::copy_n(state, shape_.z(), y_);
    for (int m = 1; m <= recording_.most_history(); ++m) {
      std::copy_n(state + m * shape_.z(), shape_.z(), past_again_[m]);
      past_[m] = past_again_[m];
    }
  };
  load();
  while (at < n) {
    const Index steps = n - at + 1, room = states.free() + 1;
    const Index stop = room == 1 ? n : at + binomial::split(steps, room);
    while (at < stop) step_over(at++);
    if (room == 1) break;
    T* const state = reinterpret_cast<T*>(states.put(at));
    std::copy_n(y_, shape_.z(), state);
    for (int m = 1; m <= recording_.most_history(); ++m)
      std::copy_n(past_again_[m], shape_.z(), state + m * shape_.z());
  }
  stages_of(n, tape_);
}

template <class T>
void Replay<T>::stages_of(Index n, const Slots<T>& tape) {
  const StepRule& rule = recording_.rule(n);
  window_ = recording_.window(n);
  const auto stages = [&](int first, int last) {
    evaluate_stages(slope_, rule, shape_, recording_.t(n), recording_.t(n + 1), y_, first, last, k_, tape, past_, z_);
  };
  if (active_.empty()) return stages(0, rule.stages());
  mask(n - 1);  // the first slope is the end's of the step before, where a sample may have ended
  stages(0, 1);
  mask(n);
  stages(1, rule.stages());
}

/// Samples that rest after a step before n take no part.
template <class T>
void Replay<T>::mask(Index n) {
  for (const auto& [sample, step] : recording_.rests()) active_[static_cast<std::size_t>(sample)] = n <= step;
}

/// y_next_ is z at the end of step n, whose stages are in k_.
template <class T>
void Replay<T>::finish(Index n) {
  const Shape z_alone{{shape_.blocks.z, 0, 0}, shape_.B};
  advance(y_next_, recording_.rule(n), z_alone, y_, recording_.h(n), k_, past_);
}

template <class T>
void Replay<T>::step_over(Index n) {
  stages_of(n, {});
  finish(n);
  std::swap(y_, y_next_);
  const int history = recording_.most_history();
  if (history == 0) return;
  std::rotate(past_again_.begin() + 1, past_again_.begin() + history, past_again_.begin() + history + 1);
  std::copy_n(k_[0], shape_.z(), past_again_[1]);
  for (int m = 1; m <= history; ++m) past_[m] = past_again_[m];
}

template <class T>
void Replay<T>::evaluate_last() {
  if (held_) return;
  finish(n_);
  slope_(recording_.t(n_ + 1), y_next_, end_, end_tape_);
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
  cnf::evaluate_extra(slope_, rule, shape_, recording_.t(n_), recording_.t(n_ + 1), held_ ? recording_.z(n_) : y_, k,
                      tape, z);
}

template class Replay<float>;
template class Replay<double>;

}  // namespace cnf
