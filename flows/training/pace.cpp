#include "flows/training/pace.hpp"

#include <cstddef>
#include <limits>

namespace cnf {

void Pace::note(std::int64_t step, double seconds) {
  // The latest mark moves on until it lies a 64th of the time behind the one before it.
  const Mark begin = marks_.front();
  if (marks_.size() > 1 && marks_.back().seconds - marks_[marks_.size() - 2].seconds < (seconds - begin.seconds) / 64)
    marks_.back() = {step, seconds};
  else
    marks_.push_back({step, seconds});
}

double Pace::steps_per_second() const {
  const Mark begin = marks_.front(), end = marks_.back();
  Mark from = begin;
  for (const Mark& mark : marks_)
    if (mark.seconds - begin.seconds <= 0.75 * (end.seconds - begin.seconds)) from = mark;
  return end.seconds > from.seconds ? static_cast<double>(end.step - from.step) / (end.seconds - from.seconds)
                                    : std::numeric_limits<double>::infinity();
}

}  // namespace cnf
