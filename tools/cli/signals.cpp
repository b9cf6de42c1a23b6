#include "tools/cli/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace cnf {
namespace {

std::atomic<int> caught{0}, at_once{0};
std::atomic<bool> raised{false};
static_assert(std::atomic<int>::is_always_lock_free);  // or a handler may not touch it

std::array<char, 128> last_words{};  // "cnf train: stopped", ready to be written by a handler
std::atomic<std::size_t> last_length{0};

extern "C" void note_interrupt(int signal) {
  const bool first = caught.exchange(signal) == 0;
  if (first && at_once == 0) {
    raised = true;
    return;
  }
  if (first) (void)!::write(STDERR_FILENO, last_words.data(), last_length);
  ::_exit(128 + signal);
}

}  // namespace

void catch_interrupts() {
  caught = 0;
  raised = false;
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;  // reads and writes of the work do not have to expect EINTR
    ::sigaction(signal, &action, nullptr);
  }
}

StopFlag interrupt_flag() { return &raised; }
bool interrupted() { return stop_asked(&raised); }

int interrupt_exit_code() {
  const int signal = caught.load(std::memory_order_relaxed);
  return signal == 0 ? 0 : 128 + signal;
}

EndAtOnce::EndAtOnce() {
  ++at_once;
  if (!interrupted()) return;
  --at_once;
  throw Interrupted("stopped");
}
EndAtOnce::~EndAtOnce() { --at_once; }

void EndAtOnce::say_who(const std::string& who) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;  // on which a line of progress may stand
  const std::string text = (terminal ? "\r\x1b[K" : "") + who + ": stopped\n";
  last_length = 0;
  const std::size_t length = std::min(text.size(), last_words.size());
  std::copy_n(text.begin(), length, last_words.begin());
  last_length = length;
}

}  // namespace cnf
