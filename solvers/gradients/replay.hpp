// A recording's steps one at a time, from the last to the first: as they are held, or computed again to the same bits.
#pragma once

#include "solvers/gradients/recording.hpp"
#include "solvers/slope.hpp"

namespace cnf {

/// The stages of the step at hand. Whatever is left out of a recording, it is here that it comes back: from the last
/// state kept before it, new ones being kept on the way where there is room (binomial::split).
template <class T>
class Replay {
 public:
  /// All must outlive this; memory comes from `scratch`, what is evaluated again is counted.
  Replay(const Dynamics<T>& dynamics, Recording<T>& recording, Scratch& scratch, Counters& counters);

  /// Makes step n the one at hand: n = steps() - 1, then one less at each call.
  void go_to(Index n);
  const T* k(int i) const { return held_ ? recording_.k(n_, i) : k_[i]; }
  const T* tape(int i) const { return held_ ? recording_.tape(n_, i) : tape_[i]; }
  /// z's slope at the start of step n - m, m = 1 ... history.
  const T* past(int m) const { return past_[m]; }
  /// The step's extra stage e, after evaluate_extra().
  const T* extra(int e) const { return extra_[e]; }
  const T* extra_tape(int e) const { return extra_tape_[e]; }
  /// The slope at the end of the step at hand and its tape, where it was looked into. Of the last step they are there
  /// after evaluate_last().
  const T* end() const { return held_ ? recording_.k(n_, recording_.rule(n_).stages()) : end_; }
  /// With the last step at hand: the slope at the solve's end, for whose dense output it was evaluated, and its tape.
  void evaluate_last();
  /// The extra stages of the step at hand, which no recording holds, in memory that lasts as long as the caller's frame
  /// of scratch. The slope at its end must be there.
  void evaluate_extra();
  const T* end_tape() const { return held_ ? recording_.tape(n_, recording_.rule(n_).stages()) : end_tape_; }

 private:
  void compute(Index n);
  void stages_of(Index n, const Slots<T>& tape);
  void mask(Index n);
  void finish(Index n);
  void step_over(Index n);

  Recording<T>& recording_;
  const Shape& shape_;
  Scratch& scratch_;
  Window window_;  // of the step at hand; methods that read a past never meet a jump
  Slope<T> slope_;
  std::span<char> active_;  ///< empty if no sample rests

  Index n_ = -1;
  bool held_ = true;
  Slots<T> k_{}, tape_{};
  Past<T> past_{};
  std::array<T*, kMaxHistory + 1> past_again_{};
  std::array<T*, kMaxExtra> extra_{}, extra_tape_{};
  T *end_ = nullptr, *end_tape_ = nullptr, *y_ = nullptr, *y_next_ = nullptr, *z_ = nullptr;
};

}  // namespace cnf
