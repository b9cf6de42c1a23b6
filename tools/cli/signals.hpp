// Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the program.
#pragma once

#include <stdexcept>
#include <string>

#include "base/stop.hpp"

namespace cnf {

/// From now on the first SIGINT or SIGTERM raises the flag below and the second ends the process at once with 130 or
/// 143. A signal that was ignored when the program began (nohup, a job in the background) stays ignored.
void catch_interrupts();

/// Raised once SIGINT or SIGTERM came: what the libraries look at, so that long work throws Stopped.
StopFlag interrupt_flag();
/// Whether it is raised: long work polls this, finishes its step, saves and returns. Lock-free, any thread.
bool interrupted();
/// 128 + the signal that came: 130 or 143. 0 if none came.
int interrupt_exit_code();

/// While one lives the first signal too ends the process at once, saying `who` was stopped: for what cannot look at the
/// flag, opening and reading a pipe or drawing a picture, where nothing is lost by it. A file that is being written
/// must not be open. Throws Interrupted if a signal came before.
class EndAtOnce {
 public:
  EndAtOnce();
  ~EndAtOnce();
  EndAtOnce(const EndAtOnce&) = delete;
  EndAtOnce& operator=(const EndAtOnce&) = delete;

  /// Who is stopped, "cnf train", in the message of every later one.
  static void say_who(const std::string& who);
};

/// What long work throws after it has saved: ends the program with 130 or 143. `help` says how to go on.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(const std::string& what, std::string help = {})
      : std::runtime_error(what), help_(std::move(help)) {}
  const std::string& help() const { return help_; }

 private:
  std::string help_;
};

}  // namespace cnf
