// What the program writes for `man` and for shells, used as they use it. Of the shells bash is always there; what the
// others and mandoc think is asked where they are installed.
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "tests/tools/program.hpp"
#include "tools/cli/completion.hpp"

namespace cnf {
namespace {

using Strings = std::vector<std::string>;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

std::string out(Shell& shell, const std::string& command) {
  const Ran ran = shell(command);
  CAPTURE(command, ran.out, ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  return ran.out;
}

bool installed(Shell& shell, const std::string& program) { return shell("command -v " + program).code == 0; }

/// The verbs that `cnf --help` lists.
Strings verbs_of_program(Shell& shell) {
  Strings names;
  bool inside = false;
  for (const std::string& line : lines(out(shell, "cnf --help"))) {
    if (inside && line.starts_with("  ") && line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
    inside = line == "Verbs:" || (inside && !line.empty());
  }
  REQUIRE(names.size() > 5);
  return names;
}

/// "--steps" and its like, that the help of a verb lists.
Strings options_of(Shell& shell, const std::string& verb) {
  Strings names;
  for (const std::string& line : lines(out(shell, "cnf " + verb + " --help"))) {
    if (line.size() < 8 || line[6] != '-' || line[7] != '-' || !(line.starts_with("  -") || line.starts_with("      ")))
      continue;
    names.push_back(line.substr(6, line.find(' ', 6) - 6));
  }
  REQUIRE(names.size() > 2);
  return names;
}

/// bash with a completion script, in the shell's folder.
class Bash {
 public:
  Bash(Shell& shell, const std::string& script) : shell_(shell) { put(shell / "completion.bash", script); }

  /// What can stand for the last of the words, as readline cuts them.
  std::set<std::string> operator()(const Strings& words) const {
    std::string line;
    for (const std::string& word : words) line += " '" + word + "'";
    put(shell_ / "drive.bash", "source ./completion.bash || exit\nCOMP_WORDS=(" + line +
                                   ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
                                   "\n_cnf || exit\nfor reply in \"${COMPREPLY[@]}\"; do echo \"$reply\"; done\n");
    const std::vector<std::string> replies = lines(out(shell_, "bash drive.bash"));
    return {replies.begin(), replies.end()};
  }

 private:
  Shell& shell_;
};

Verb small_verb(const std::string& name, std::vector<Option> options) {
  return {.name = name,
          .summary = "Do it: what " + name + " can't",
          .positionals = {{.name = "model", .value = "MODEL", .kind = Kind::path, .help = "A run."}},
          .options = std::move(options)};
}

}  // namespace

TEST_CASE("the manual page tells every verb and option, and mandoc and man find no fault in it", "[tools][generated]") {
  Shell shell;
  const std::string page = out(shell, "cnf --generate man");
  put(shell / "cnf.1", page);
  for (const std::string& verb : verbs_of_program(shell)) {
    const auto section = page.find("\n.SS \"cnf " + verb + " ");
    CAPTURE(verb);
    REQUIRE(section != std::string::npos);
    const std::string text = page.substr(section, page.find("\n.S", section + 4) - section);
    for (const std::string& option : options_of(shell, verb)) {
      std::string escaped;
      for (const char c : option) escaped += c == '-' ? "\\-" : std::string(1, c);
      CAPTURE(option);
      CHECK(text.find("\\fB" + escaped + "\\fR") + text.find(", " + escaped + "\\fR") != 2 * std::string::npos);
    }
  }
  for (const std::string line : {"130, 143", ".SH \"EXIT STATUS\"", "cnf \\- continuous normalizing flows"})
    CHECK(page.find(line) != std::string::npos);
  CHECK(out(shell, "cnf --version") ==
        page.substr(page.find("\"cnf ") + 1, out(shell, "cnf --version").size() - 1) + "\n");
  if (installed(shell, "mandoc")) CHECK(out(shell, "mandoc -T lint -W warning cnf.1") == "");
  if (installed(shell, "man")) CHECK(out(shell, "man --warnings -l cnf.1 2>&1 >page.txt") == "");
}

TEST_CASE("bash completes verbs, options, what they can be, data sets, files and folders", "[tools][generated]") {
  Shell shell;
  const Bash complete(shell, out(shell, "cnf --generate bash"));
  for (const char* name : {"runs/8g", "b c"}) std::filesystem::create_directories(shell / name);
  for (const char* name : {"p.png", "q.csv", "a b.npy", "m.toml"}) put(shell / name, "");

  const Strings verbs = verbs_of_program(shell);
  std::set<std::string> first(verbs.begin(), verbs.end());
  first.insert({"help", "--help", "--version", "--generate"});
  CHECK(complete({"cnf", ""}) == first);
  CHECK(complete({"cnf", "tr"}) == std::set<std::string>{"train"});
  for (const std::string& verb : verbs) {
    const Strings options = options_of(shell, verb);
    CHECK(complete({"cnf", verb, "--"}) == std::set<std::string>(options.begin(), options.end()));
  }
  CHECK(complete({"cnf", "train", "--act"}) == std::set<std::string>{"--activation"});
  CHECK(complete({"cnf", "train", "--activation", "s"}) == std::set<std::string>{"silu", "sin", "softplus"});
  CHECK(complete({"cnf", "train", "--activation", "=", "si"}) == std::set<std::string>{"silu", "sin"});
  CHECK(complete({"cnf", "train", "--activation", "="}).count("relu") == 1);
  CHECK(complete({"cnf", "train", "--solver", "rk4"}) == std::set<std::string>{"rk4:", "rk4_38:"});
  CHECK(complete({"cnf", "train", "--lr", ""}).empty());
  CHECK(complete({"cnf", "train", "--data", "m"}) == std::set<std::string>{"moons", "m.toml"});
  CHECK(complete({"cnf", "data", "8"}) == std::set<std::string>{"8gaussians"});
  CHECK(complete({"cnf", "density", "runs/8g", "-o", ""}) == std::set<std::string>{"b c", "p.png", "runs"});
  CHECK(complete({"cnf", "train", "--resume", ""}) == std::set<std::string>{"b c", "runs"});
  CHECK(complete({"cnf", "train", "--recipe", ""}) == std::set<std::string>{"b c", "m.toml", "runs"});
  CHECK(complete({"cnf", "info", "runs/"}) == std::set<std::string>{"runs/8g"});
  CHECK(complete({"cnf", "info", "a"}) == std::set<std::string>{"a b.npy"});
  CHECK(complete({"cnf", "--generate", ""}) == std::set<std::string>{"bash", "fish", "man", "zsh"});
  CHECK(complete({"cnf", "help", "tr"}) == std::set<std::string>{"train"});
  CHECK(out(shell, "bash -c 'source ./completion.bash; complete -p cnf'") == "complete -F _cnf cnf\n");
}

TEST_CASE("completion knows verbs of two words, and what a help text may hold", "[tools][generated]") {
  const std::vector<Verb> verbs{
      small_verb("sample", {{.name = "num", .letter = 'N', .value = "N", .kind = Kind::integer, .help = "How many."}}),
      small_verb("classify train", {{.name = "mode",
                                     .value = "HOW",
                                     .kind = Kind::choice,
                                     .choices = {"fast", "slow:N"},
                                     .help = "It's [this] or: \"that\" \\ $HOME `ls`. Not read."}}),
      small_verb("classify test", {})};
  Shell shell;
  const Bash complete(shell, bash_completion(verbs));
  CHECK(complete({"cnf", "cl"}) == std::set<std::string>{"classify"});
  CHECK(complete({"cnf", "classify", "t"}) == std::set<std::string>{"test", "train"});
  CHECK(complete({"cnf", "classify", "train", "--"}) == std::set<std::string>{"--help", "--mode"});
  CHECK(complete({"cnf", "classify", "train", "--mode", ""}) == std::set<std::string>{"fast", "slow:"});
  CHECK(complete({"cnf", "classify", "test", "--"}) == std::set<std::string>{"--help"});
  CHECK(complete({"cnf", "sample", "-N", ""}).empty());

  put(shell / "_cnf", zsh_completion(verbs));
  put(shell / "cnf.fish", fish_completion(verbs));
  if (installed(shell, "zsh")) CHECK(out(shell, "zsh -n _cnf") == "");
  if (!installed(shell, "fish")) return;
  const auto fish = [&](const std::string& typed) {
    return out(shell, "HOME=$PWD fish --private -c 'source cnf.fish; complete -C \"" + typed + "\"'");
  };
  CHECK(fish("cnf classify t") == "test\tDo it: what classify test can't\ntrain\tDo it: what classify train can't\n");
  CHECK(fish("cnf classify train --mo") == "--mode\tIt's [this] or: \"that\" \\ $HOME `ls`\n");
  CHECK(fish("cnf classify train --mode=sl").starts_with("--mode=slow:\t"));
}

TEST_CASE("zsh and fish are told every option, in scripts that they read", "[tools][generated]") {
  Shell shell;
  const std::string zsh = out(shell, "cnf --generate zsh"), fish = out(shell, "cnf --generate fish");
  put(shell / "_cnf", zsh);
  put(shell / "cnf.fish", fish);
  CHECK(zsh.starts_with("#compdef cnf\n"));
  for (const std::string& verb : verbs_of_program(shell)) {
    const std::string branch = zsh.substr(zsh.find("\n    '" + verb + "')\n"));
    for (const std::string& option : options_of(shell, verb)) {
      CAPTURE(verb, option);
      CHECK(branch.substr(0, branch.find(";;")).find(option) != std::string::npos);
      const std::string at = "complete -c cnf -n '__cnf_at " + verb + "'", name = " -l " + option.substr(2) + " ";
      bool found = false;
      for (const std::string& line : lines(fish)) found |= line.starts_with(at) && line.find(name) != line.npos;
      CHECK(found);
    }
  }
  if (installed(shell, "zsh"))
    CHECK(out(shell,
              "zsh -f -c 'autoload -Uz compinit; compinit -D -u; fpath=(. $fpath); autoload -Uz +X _cnf; "
              "source ./_cnf; echo $_comps[cnf]'") == "_cnf\n");
  if (!installed(shell, "fish")) return;
  CHECK(out(shell, "fish --no-execute cnf.fish") == "");
  CHECK(out(shell, "HOME=$PWD fish --private -c 'source cnf.fish; complete -C \"cnf train --activation=si\"'")
            .starts_with("--activation=silu\t"));
}

}  // namespace cnf
