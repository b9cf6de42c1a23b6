// A raw command line: the verb in the first line of the input, then a word a line, read by the verb's table.
#include <array>
#include <vector>

#include "tests/fuzz/target.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array kVerbs{train_verb(),    sample_verb(),  logprob_verb(),  density_verb(),
                                 evaluate_verb(), compare_verb(), encode_verb(),   decode_verb(),
                                 info_verb(),     data_verb(),    gradcheck_verb()};
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n')
      words.emplace_back();
    else if (data[i] != 0)  // argv has none
      words.back() += static_cast<char>(data[i]);
  }
  for (const Verb& verb : kVerbs) {
    if (verb.name != words.front()) continue;
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    fuzz::accepts<UsageError>([&] { const Args args(verb, rest); });
  }
  return 0;
}
