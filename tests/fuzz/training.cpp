// A training state, and the recipe in it that its run goes on by.
#include "flows/files/training_file.hpp"
#include "flows/training/optimizers.hpp"

#include "tests/fuzz/target.hpp"
#include "tools/cli/args.hpp"
#include "tools/run/recipe.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

template <class T>
void read(const std::filesystem::path& path) {
  const TrainingFile<T> training = read_training<T>(path);
  const auto rule = make_optimizer<T>({.kind = *find_optimizer(training.optimizer)});
  const std::string again = training_bytes<T>(training, *rule);
  const fuzz::MemoryFile second(fuzz::bytes(again));
  fuzz::require(training_bytes<T>(read_training<T>(second.path()), *rule) == again,
                "a state that is read is written again");
  static const Args kNothingSaid(train_verb(), {});
  const Args args = args_of_recipe(kNothingSaid, training.file.recipe, "input");
  train_options(args, training.file.precision);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file = fuzz::signed_file(data, size);
  fuzz::accepts([&] {
    if (training_precision(file.path()) == Precision::double_float)
      read<double>(file.path());
    else
      read<float>(file.path());
  });
  return 0;
}
