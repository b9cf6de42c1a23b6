// How far the work is, on standard error.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace cnf {

/// A line such as "step 1200/2000  60 %  loss 2.31  412/s  2 s left", or the same as plain lines or JSON objects.
/// Says nothing before the work has lasted half a second. Never touches the work: results are the same in every mode.
class Progress {
 public:
  enum class Mode {
    none,
    line,   ///< one line on a terminal that is written over, at most 10 times a second, and removed at the end
    plain,  ///< a line every 10 seconds, for logs
    json,   ///< an object a line, every second: {"step":1200,"of":2000,"fraction":0.6,"seconds":2.9,"loss":2.31}
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
  /// `label` names what is counted, `total` how many there are (0: unknown), `width` the terminal's columns.
  Progress(Mode mode, std::string label, std::int64_t total, int width, Clock clock, Sink sink);
  /// On standard error, by the steady clock.
  Progress(Mode mode, std::string label, std::int64_t total = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` are done; `fraction` of the work is, in [0, 1], if it is not done / total (a run by seconds), else < 0.
  /// Cost  one look at the clock when nothing is due.
  void update(std::int64_t done, std::span<const Field> fields = {}, double fraction = -1);
  /// Shows a message for the user, above the line.
  void note(std::string_view message);
  /// Removes the line. plain and json show the last update if it was not shown.
  void finish();

 private:
  struct State {
    std::int64_t done = 0;
    double fraction = -1, seconds = 0;
    std::string fields_text{}, fields_json{};
  };
  void show(const State& state);
  void clear();

  Mode mode_;
  std::string label_;
  std::int64_t total_;
  int width_;
  Clock clock_;
  Sink sink_;
  double begin_, shown_at_;
  State last_;
  bool pending_ = false, on_screen_ = false, finished_ = false;
};

}  // namespace cnf
