// Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the program.
#pragma once

#include <stdexcept>
#include <string>

namespace cnf {

/// From now on the first SIGINT or SIGTERM sets the flag below and the second ends the process at once with 130 or 143.
/// A signal that was ignored when the program began (nohup, a job in the background) stays ignored.
void catch_interrupts();

/// True once SIGINT or SIGTERM came: long work polls this, finishes its step, saves and returns. Lock-free, any thread.
bool interrupted();
/// 128 + the signal that came: 130 or 143. 0 if none came.
int interrupt_exit_code();

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
