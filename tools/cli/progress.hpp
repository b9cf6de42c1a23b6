// How far the work is, on standard error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cnf {

/// A line such as "step 1200/2000  60 %  2 s left  412/s  loss 2.31", or the same as plain lines or JSON objects. The
/// speed, and from it the time left, is that of the last 15 to 30 % of the time spent so far, and of 3 s at least.
/// Never touches the work: results are the same in every mode.
class Progress {
 public:
  enum class Mode {
    none,
    /// One line on a terminal from the first update on, written over at most 10 times a second and removed at the end.
    /// It is never longer than the terminal is wide at that moment: of what does not fit, the last is left out.
    line,
    plain,  ///< a line every 10 seconds, the first after half a second, for logs
    /// An object a line, every second, the first after half a second:
    /// {"step":1200,"of":2000,"fraction":0.6,"seconds":2.9,"loss":2.31}
    json,
  };
  /// A number beside the count: {"loss", 2.31}. The name is a plain word: it is a key under json.
  struct Field {
    std::string_view name;
    double value;
  };

  /// What --progress=auto|plain|json|none means here: auto is `line` on a terminal that is not dumb, otherwise nothing,
  /// and nothing if `quiet`. Throws std::invalid_argument for another word.
  static Mode mode(std::string_view choice, bool quiet);

  using Clock = std::function<double()>;               ///< seconds since anywhere
  using Sink = std::function<void(std::string_view)>;  ///< where the text goes
  using Width = std::function<int()>;                  ///< the terminal's columns, asked for every line
  /// `label` names what is counted, `total` how many there are (0: unknown).
  Progress(Mode mode, std::string label, std::int64_t total, Width width, Clock clock, Sink sink);
  /// On standard error, by the steady clock.
  Progress(Mode mode, std::string label, std::int64_t total = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` are done; `fraction` of the work is, in [0, 1], if it is not done / total (a run by seconds), else < 0; NaN
  /// if no one knows. To be called at the beginning, so that something is shown, then as often as one likes.
  /// Cost  one look at the clock when nothing is due.
  void update(std::int64_t done, std::span<const Field> fields = {}, double fraction = -1);
  /// Shows a message for the user, above the line.
  void note(std::string_view message);
  /// Removes the line. plain and json show the last update if it was not shown.
  void finish();

 private:
  struct Point {
    double seconds = 0, done = 0, fraction = -1;
  };
  struct State {
    std::int64_t done = 0;
    Point at{};
    std::vector<std::string> fields_text{};
    std::string fields_json{};
  };
  void measure(const Point& now);
  std::vector<std::string> parts(const State& state) const;
  void show(const State& state);
  void clear();

  Mode mode_;
  std::string label_;
  std::int64_t total_;
  Width width_;
  Clock clock_;
  Sink sink_;
  double begin_, shown_at_;
  State last_;
  Point since_, between_;  ///< speed is measured from since_, and soon from between_
  bool measuring_ = false, pending_ = false, on_screen_ = false, finished_ = false;
};

/// The progress of work in parts, one after the other.
class PartProgress {
 public:
  explicit PartProgress(Progress::Mode mode) : mode_(mode) {}
  /// The next part: `total` of what `label` names (0: unknown).
  void begin(const std::string& label, std::int64_t total) {
    progress_.emplace(mode_, label, total);
    total_ = total;
    progress_->update(done_ = 0);
  }
  /// So many more are done; of more than the total, no more is said. Outside a part nothing is.
  void add(std::int64_t n) {
    done_ += n;
    if (progress_) progress_->update(total_ > 0 ? std::min(done_, total_) : done_);
  }
  void finish() { progress_.reset(); }

 private:
  Progress::Mode mode_;
  std::optional<Progress> progress_;
  std::int64_t total_ = 0, done_ = 0;
};

}  // namespace cnf
