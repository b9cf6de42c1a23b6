// The program: finds the verb, reads its options, runs it, and turns what went wrong into text and an exit code.
#pragma once

#include <span>

#include "tools/cli/verb.hpp"

namespace cnf {

/// main() of the program `cnf`. Returns the exit code:
///   0 ok, also when the reader of a pipe has gone; the codes of ExitCode; 130 and 143 after SIGINT and SIGTERM.
/// Every failure is one line on standard error, "cnf VERB: what", and may have a second, "help: what to do".
/// Changes the process: SIGPIPE and SIGXFSZ are ignored (writes fail with EPIPE and EFBIG instead), SIGINT and SIGTERM
/// are caught (signals.hpp), closed standard descriptors are opened, so that no output file becomes number 1.
int run_program(std::span<const Verb> verbs, int argc, const char* const* argv);

}  // namespace cnf
