// How fast a run is going: from steps and the clock's readings.
#pragma once

#include <cstdint>
#include <vector>

namespace cnf {

/// Steps a second of late, with all that happens between them. What a machine did at first, when it was busy or the
/// steps were cheap, counts no more.
class Pace {
 public:
  Pace() = default;
  /// Begins at step `step`, at `seconds`.
  Pace(std::int64_t step, double seconds) : marks_{{step, seconds}} {}

  /// Step `step` has ended at `seconds`. Steps and seconds never fall.
  void note(std::int64_t step, double seconds);
  /// Over the last quarter of the time noted, or somewhat more. Infinite while no time has passed.
  double steps_per_second() const;

 private:
  struct Mark {
    std::int64_t step = 0;
    double seconds = 0;
  };
  std::vector<Mark> marks_{Mark{}};  ///< the first is the begin, the last the latest note; some hundreds
};

}  // namespace cnf
