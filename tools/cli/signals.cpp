#include "tools/cli/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace cnf {
namespace {

std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free);  // or a handler may not touch it

extern "C" void note_interrupt(int signal) {
  if (caught.exchange(signal) != 0) ::_exit(128 + signal);
}

}  // namespace

void catch_interrupts() {
  caught = 0;
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

bool interrupted() { return caught.load(std::memory_order_relaxed) != 0; }

int interrupt_exit_code() {
  const int signal = caught.load(std::memory_order_relaxed);
  return signal == 0 ? 0 : 128 + signal;
}

}  // namespace cnf
