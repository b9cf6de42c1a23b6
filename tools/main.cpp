// The program `cnf`: continuous normalizing flows from the shell.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <new>

#include "tools/cli/exit_code.hpp"
#include "tools/cli/program.hpp"
#include "tools/verbs/verbs.hpp"

namespace {

bool returned = false;  ///< main, with a code of its own

[[noreturn]] void end_without_memory() {
  constexpr char kText[] = "cnf: out of memory\n";
  (void)!::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(static_cast<int>(cnf::ExitCode::memory));
}

/// Memory runs out where no one can catch it: in a constructor of a global, in a destructor, while an error is said, in
/// libgomp, which then calls exit(1) as nothing else here does. Runs before all of them.
[[gnu::constructor(102)]] void expect_no_memory() {
  std::set_terminate([] {
    try {
      if (std::current_exception()) throw;
      end_without_memory();  // thrown through a noexcept: libstdc++'s walk through a folder does so
    } catch (const std::bad_alloc&) {
      end_without_memory();
    } catch (...) {
    }
    std::abort();
  });
  (void)std::atexit([] {
    if (!returned) ::_exit(static_cast<int>(cnf::ExitCode::memory));
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::array verbs{cnf::train_verb(),   cnf::straighten_verb(),   cnf::sample_verb(),  cnf::logprob_verb(),
                         cnf::density_verb(), cnf::evaluate_verb(),     cnf::compare_verb(), cnf::encode_verb(),
                         cnf::decode_verb(),  cnf::info_verb(),         cnf::data_verb(),    cnf::gradcheck_verb(),
                         cnf::solve_verb(),   cnf::workprecision_verb()};
  const int code = cnf::run_program(verbs, argc, argv);
  returned = true;
  return code;
}
