#include "tools/cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/number_text.hpp"
#include "tools/cli/output.hpp"

namespace cnf {
namespace {

constexpr double kSilence = 0.5;  // s; shorter work needs no line

double interval(Progress::Mode mode) {
  return mode == Progress::Mode::plain ? 10.0 : mode == Progress::Mode::json ? 1.0 : 0.1;
}

/// Four significant digits; "nan" and "inf" as words.
std::string short_number(double x) { return significant(x, 4); }

std::string json_number(double x) { return std::isfinite(x) ? shortest(x) : "null"; }

/// "8 s", "3 min 20 s", "2 h 5 min".
std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::min(seconds, 1e9) + 0.5);
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s";
  return std::to_string(s / 3600) + " h " + std::to_string(s % 3600 / 60) + " min";
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Progress::Mode Progress::mode(std::string_view choice, bool quiet) {
  if (choice == "plain") return Mode::plain;
  if (choice == "json") return Mode::json;
  if (choice == "none") return Mode::none;
  if (choice != "auto") throw std::invalid_argument("Progress: no mode " + std::string(choice));
  const char* term = std::getenv("TERM");
  const bool terminal = ::isatty(STDERR_FILENO) == 1 && term && std::strcmp(term, "dumb") != 0;
  return terminal && !quiet ? Mode::line : Mode::none;
}

Progress::Progress(Mode mode, std::string label, std::int64_t total, int width, Clock clock, Sink sink)
    : mode_(mode),
      label_(std::move(label)),
      total_(total),
      width_(width),
      clock_(std::move(clock)),
      sink_(std::move(sink)),
      begin_(clock_()),
      shown_at_(begin_ + kSilence - interval(mode)) {}

Progress::Progress(Mode mode, std::string label, std::int64_t total)
    : Progress(mode, std::move(label), total, terminal_width(STDERR_FILENO), steady_seconds, write_stderr) {}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {  // out of memory while a line is removed: the work's own exception is the one to see
  }
}

void Progress::update(std::int64_t done, std::span<const Field> fields, double fraction) {
  if (mode_ == Mode::none || finished_) return;
  const double now = clock_();
  const bool due = now - shown_at_ >= interval(mode_);
  if (!due && mode_ == Mode::line) return;  // finish() removes the line anyway
  last_ = {.done = done, .fraction = fraction, .seconds = now - begin_};
  if (fraction < 0 && total_ > 0) last_.fraction = static_cast<double>(done) / static_cast<double>(total_);
  for (const Field& field : fields) {
    last_.fields_text += "  " + std::string(field.name) + " " + short_number(field.value);
    last_.fields_json += ",\"" + std::string(field.name) + "\":" + json_number(field.value);
  }
  pending_ = true;
  if (!due) return;
  shown_at_ = now;
  show(last_);
}

void Progress::show(const State& state) {
  pending_ = false;
  if (mode_ == Mode::json) {
    std::string text = "{\"" + label_ + "\":" + std::to_string(state.done);
    if (total_ > 0) text += ",\"of\":" + std::to_string(total_);
    if (state.fraction >= 0) text += ",\"fraction\":" + json_number(state.fraction);
    sink_(text + ",\"seconds\":" + json_number(state.seconds) + state.fields_json + "}\n");
    return;
  }
  std::string text = label_ + " " + std::to_string(state.done);
  if (total_ > 0) text += "/" + std::to_string(total_);
  if (state.fraction >= 0) text += "  " + std::to_string(std::lround(100 * std::min(state.fraction, 1.0))) + " %";
  text += state.fields_text;
  if (state.seconds > 0) text += "  " + short_number(static_cast<double>(state.done) / state.seconds) + "/s";
  if (state.fraction > 0) {
    text += "  " + duration(std::max(0.0, state.seconds * (1 - state.fraction) / state.fraction)) + " left";
  }
  if (mode_ == Mode::plain) {
    sink_(text + "\n");
    return;
  }
  // One column free: a full line would wrap, and \r then goes back to the wrong row.
  text.resize(std::min(text.size(), static_cast<std::size_t>(std::max(width_ - 1, 0))));
  sink_("\r" + text + "\x1b[K");
  on_screen_ = true;
}

void Progress::clear() {
  if (on_screen_) sink_("\r\x1b[K");
  on_screen_ = false;
}

void Progress::note(std::string_view message) {
  clear();
  sink_(std::string(message) + "\n");
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  clear();
  // Work too short for a first line needs no last one.
  if (pending_ && mode_ != Mode::line && clock_() - begin_ >= kSilence) show(last_);
}

}  // namespace cnf
