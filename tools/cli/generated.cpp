#include "tools/cli/generated.hpp"

#include "tools/cli/completion.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/manual.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

Option generate_option() {
  Option option{.name = "generate", .value = "WHAT", .kind = Kind::choice, .help = "What to write."};
  option.choices.assign(kGenerated.begin(), kGenerated.end());
  return option;
}

std::string generated(std::span<const Verb> verbs, const std::string& text) {
  const std::string what = read_value(generate_option(), "--generate", text).text;
  if (what == "man") return manual(verbs);
  if (what == "bash") return bash_completion(verbs);
  if (what == "zsh") return zsh_completion(verbs);
  return fish_completion(verbs);
}

std::string program_and_version() { return "cnf " CNF_VERSION; }

}  // namespace cnf
