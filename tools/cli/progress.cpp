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

Progress::Progress(Mode mode, std::string label, std::int64_t total, Width width, Clock clock, Sink sink)
    : mode_(mode),
      label_(std::move(label)),
      total_(total),
      width_(std::move(width)),
      clock_(std::move(clock)),
      sink_(std::move(sink)),
      begin_(clock_()),
      shown_at_(mode == Mode::line ? -HUGE_VAL : begin_ + kSilence - interval(mode)) {}

Progress::Progress(Mode mode, std::string label, std::int64_t total)
    : Progress(
          mode, std::move(label), total, [] { return terminal_width(STDERR_FILENO); }, steady_seconds, write_stderr) {}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {  // out of memory while a line is removed: the work's own exception is the one to see
  }
}

void Progress::measure(const Point& now) {
  constexpr double kShare = 0.15, kLeast = 3;  // s
  if (!measuring_) since_ = between_ = now;
  measuring_ = true;
  if (now.seconds - between_.seconds < std::max(kLeast, kShare * now.seconds)) return;
  since_ = between_;
  between_ = now;
}

void Progress::update(std::int64_t done, std::span<const Field> fields, double fraction) {
  if (mode_ == Mode::none || finished_) return;
  const double now = clock_();
  const bool due = now - shown_at_ >= interval(mode_);
  if (fraction < 0 && total_ > 0) fraction = static_cast<double>(done) / static_cast<double>(total_);
  const Point at{now - begin_, static_cast<double>(done), std::isnan(fraction) ? -1 : fraction};
  measure(at);
  if (!due && mode_ == Mode::line) return;  // finish() removes the line anyway
  last_ = {.done = done, .at = at};
  for (const Field& field : fields) {
    last_.fields_text.push_back(std::string(field.name) + " " + short_number(field.value));
    last_.fields_json += ",\"" + std::string(field.name) + "\":" + json_number(field.value);
  }
  pending_ = true;
  if (!due) return;
  shown_at_ = now;
  show(last_);
}

/// What a line says, the most important first.
std::vector<std::string> Progress::parts(const State& state) const {
  std::vector<std::string> parts;
  parts.push_back(label_ + " " + std::to_string(state.done) + (total_ > 0 ? "/" + std::to_string(total_) : ""));
  const double fraction = std::min(state.at.fraction, 1.0), seconds = state.at.seconds - since_.seconds;
  if (fraction >= 0) parts.push_back(std::to_string(std::lround(100 * fraction)) + " %");
  if (fraction >= 0 && fraction > since_.fraction)
    parts.push_back(duration(seconds * (1 - fraction) / (fraction - since_.fraction)) + " left");
  if (state.at.done > since_.done && seconds > 0)
    parts.push_back(short_number((state.at.done - since_.done) / seconds) + "/s");
  parts.insert(parts.end(), state.fields_text.begin(), state.fields_text.end());
  return parts;
}

void Progress::show(const State& state) {
  pending_ = false;
  if (mode_ == Mode::json) {
    std::string text = "{\"" + label_ + "\":" + std::to_string(state.done);
    if (total_ > 0) text += ",\"of\":" + std::to_string(total_);
    if (state.at.fraction >= 0) text += ",\"fraction\":" + json_number(state.at.fraction);
    sink_(text + ",\"seconds\":" + json_number(state.at.seconds) + state.fields_json + "}\n");
    return;
  }
  std::vector<std::string> parts = this->parts(state);
  const auto joined = [&](std::size_t most) {
    std::string text;
    for (const std::string& part : parts) {
      const std::string more = (text.empty() ? "" : "  ") + part;
      if (text.size() + more.size() > most) break;
      text += more;
    }
    return text;
  };
  if (mode_ == Mode::plain) {
    sink_(joined(std::string::npos) + "\n");
    return;
  }
  // One column free: a full line would wrap, and \r then goes back to the wrong row.
  const auto room = static_cast<std::size_t>(std::max(width_() - 1, 0));
  const std::size_t kept = std::min<std::size_t>(parts.size(), 3);  // the count, the share and the time left
  const auto fits = [&] {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kept; ++i) size += parts[i].size() + (i > 0 ? 2 : 0);
    return size <= room;
  };
  if (!fits()) parts[0] = label_ + " " + std::to_string(state.done);
  if (!fits() && kept > 1) parts.erase(parts.begin());
  sink_("\r" + joined(room) + "\x1b[K");
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
