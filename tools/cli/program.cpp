#include "tools/cli/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/generated.hpp"
#include "tools/cli/help.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {
namespace {

/// Opens closed standard descriptors the wrong way round: reading or writing them goes on failing.
void claim_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) == -1) (void)!::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void say_error(const std::string& who, const char* what, const std::string& help) {
  const bool colour = colour_wanted(STDERR_FILENO);
  std::string text = colour ? "\x1b[1;31m" + who + ":\x1b[0m " : who + ": ";
  text += one_line(what) + "\n";
  if (!help.empty()) text += (colour ? "\x1b[1mhelp:\x1b[0m " : "help: ") + one_line(help) + "\n";
  write_stderr(text);
}

bool asks_for_help(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::any_of(words.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

int help_width(int fd) { return std::clamp(terminal_width(fd), 80, 120); }

/// "classify" where there is a "classify train".
bool begins_names(std::span<const Verb> verbs, const std::string& word) {
  return std::any_of(verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name.starts_with(word + " "); });
}

[[noreturn]] void refuse_name(std::span<const Verb> verbs, const std::string& first, const std::string& both) {
  std::vector<std::string> names, firsts{"help"};
  for (const Verb& verb : verbs) {
    names.push_back(verb.name);
    const std::string word = verb.name.substr(0, verb.name.find(' '));
    if (std::find(firsts.begin(), firsts.end(), word) == firsts.end()) firsts.push_back(word);
  }
  const bool noun = begins_names(verbs, first);
  std::string help = did_you_mean(both, names, "cnf ");
  if (help.empty() && !noun) help = did_you_mean(first, firsts, "cnf ");
  if (help.empty()) help = noun ? "cnf " + first + " --help lists its verbs" : "cnf --help lists the verbs";
  throw UsageError(in_quotes(noun ? both : first) + " is not a verb", help);
}

/// The verb whose name, of two words or of one, `words` begin with. Null if they name only what several begin with.
const Verb* find_verb(std::span<const Verb> verbs, std::span<const std::string> words) {
  const std::string& first = words.front();
  const std::string both = words.size() > 1 && !words[1].starts_with('-') ? first + " " + words[1] : "";
  for (const std::string& name : {both, first}) {
    const auto it = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name == name; });
    if (it != verbs.end()) return &*it;
  }
  if (!both.empty() || !begins_names(verbs, first)) refuse_name(verbs, first, both);
  return nullptr;
}

/// `cnf classify`: its verbs, as `cnf` alone shows all.
int list_verbs(std::span<const Verb> verbs, std::span<const std::string> words) {
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (rest.empty()) {
    write_stderr(help_text(verbs, words.front(), help_width(STDERR_FILENO)));
    return static_cast<int>(ExitCode::usage);
  }
  if (!asks_for_help(rest))
    throw UsageError("the verb comes first, got " + in_quotes(rest.front()),
                     "cnf " + words.front() + " VERB " + one_line(rest.front()) + " ...");
  write_stdout(help_text(verbs, words.front(), help_width(STDOUT_FILENO)));
  return 0;
}

/// What `cnf help ...` and --help show.
int show_help(std::span<const Verb> verbs, std::span<const std::string> words) {
  const int width = help_width(STDOUT_FILENO);
  const Verb* verb = words.empty() ? nullptr : find_verb(verbs, words);
  write_stdout(verb != nullptr ? help_text(*verb, width)
                               : help_text(verbs, words.empty() ? std::string() : words.front(), width));
  return 0;
}

/// `cnf --generate man`, or joined by =.
int generate(std::span<const Verb> verbs, std::span<const std::string> words) {
  const std::string& first = words.front();
  const bool joined = first != "--generate";
  const std::size_t named = joined ? 1 : 2;
  if (words.size() < named) throw UsageError("--generate: needs a value, expected " + expected(generate_option()));
  if (words.size() > named) throw UsageError("--generate: takes one value, got " + in_quotes(words[named]) + " too");
  write_stdout(generated(verbs, joined ? first.substr(first.find('=') + 1) : words[1]));
  return 0;
}

/// `who` ends as "cnf VERB" once the verb is known.
int dispatch(std::span<const Verb> verbs, std::span<const std::string> words, std::string& who) {
  if (words.empty()) {
    write_stderr(help_text(verbs, "", help_width(STDERR_FILENO)));
    return static_cast<int>(ExitCode::usage);
  }
  const std::string& first = words.front();
  if (first == "--version" || first == "-V" || (first == "version" && words.size() == 1)) {
    write_stdout(program_and_version() + "\n");
    return 0;
  }
  if (first == "--generate" || first.starts_with("--generate=")) return generate(verbs, words);
  if (first == "--help" || first == "-h") return show_help(verbs, {});
  if (first == "help") return show_help(verbs, words.subspan(1));
  if (first.starts_with('-')) {
    const std::vector<std::string> own{"help", "version", "generate"};
    const std::string meant =
        did_you_mean(first.substr(std::min(first.find_first_not_of('-'), first.size())), own, "--");
    throw UsageError("the verb comes first, got " + in_quotes(first),
                     meant.empty() ? "cnf VERB " + one_line(first) + " ..." : meant);
  }
  const Verb* found = find_verb(verbs, words);
  if (found == nullptr) return list_verbs(verbs, words);
  const Verb& verb = *found;
  who += " " + verb.name;
  const std::size_t named = verb.name == first ? 1 : 2;
  const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(named), words.end());
  if (asks_for_help(rest)) {
    write_stdout(help_text(verb, help_width(STDOUT_FILENO)));
    return 0;
  }
  const Args args(verb, rest);
  if (args.flag("help")) {  // in a group of letters: -qh
    write_stdout(help_text(verb, help_width(STDOUT_FILENO)));
    return 0;
  }
  EndAtOnce::say_who(who);
  const Work work = [&] {
    const EndAtOnce nothing_is_written_yet;
    return verb.prepare(args);
  }();
  const auto is_dry_run = [](const Option& option) { return option.name == "dry-run"; };
  if (std::any_of(verb.options.begin(), verb.options.end(), is_dry_run) && args.flag("dry-run")) return 0;
  const int code = work();
  return code == 0 ? interrupt_exit_code() : code;
}

/// The exit code of whatever `work` did, its failure said.
template <class F>
int guarded(const std::string& who, const F& work) {
  try {
    return work();
  } catch (const PipeClosed&) {
    return 0;  // the reader has what it wanted
  } catch (const Error& error) {
    const ExitCode code = exit_code(error);
    std::string help = error.help();
    if (help.empty() && code == ExitCode::usage) help = who + " --help";
    say_error(who, error.what(), help);
    return static_cast<int>(code);
  } catch (const Interrupted& interruption) {
    say_error(who, interruption.what(), interruption.help());
    return interrupt_exit_code() ? interrupt_exit_code() : 128 + SIGINT;
  } catch (const Stopped&) {
    say_error(who, "stopped", "");
    return interrupt_exit_code() ? interrupt_exit_code() : 128 + SIGINT;
  } catch (const std::bad_alloc&) {
    say_error(who, "out of memory", "less is needed with --threads 1, a smaller batch or a smaller picture");
    return static_cast<int>(ExitCode::memory);
  } catch (const std::exception& error) {
    say_error(who, error.what(), "");
    return static_cast<int>(ExitCode::computation);
  } catch (...) {
    say_error(who, "an unknown failure", "");
    return static_cast<int>(ExitCode::computation);
  }
}

}  // namespace

int run_program(std::span<const Verb> verbs, int argc, const char* const* argv) {
  claim_standard_descriptors();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  catch_interrupts();
  std::string who = "cnf";
  const int code = guarded(who, [&] {
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    return dispatch(verbs, words, who);
  });
  // A result that did not arrive is a failure, however well the work went. After another failure one message is enough.
  return guarded(who, [&] {
    try {
      flush_stdout();
    } catch (const OutputError&) {
      if (code == 0) throw;
    }
    return code;
  });
}

}  // namespace cnf
