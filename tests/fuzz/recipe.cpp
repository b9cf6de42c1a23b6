// Recipes of `cnf train`: in TOML, as users write them, and in JSON, as runs keep them.
#include "tools/run/recipe.hpp"

#include "tests/fuzz/target.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/settings.hpp"
#include "tools/run/recipe_options.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Args kNothingSaid(train_verb(), {});
  static const std::vector<Option> kTable = recipe_options();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz::accepts<Error>([&] {
    if (text.starts_with('{')) {
      const Args args = args_of_recipe(kNothingSaid, std::string(text), "input");
      const std::string kept = recipe_json(args);
      fuzz::require(recipe_json(args_of_recipe(kNothingSaid, kept, "kept")) == kept, "a recipe kept is read again");
      recipe_data(kept, "kept");
      train_options(args, Precision::single_float);
      return;
    }
    const fuzz::MemoryFile file(fuzz::bytes(text));
    Args args = args_from(kNothingSaid, kTable, values_from_toml(file.path()));
    check_recipe(args);
    if (!args.given("validate-every")) decide(args, "validate-every", "20");  // a run does, when it knows its rows
    train_options(args, Precision::double_float);
  });
  return 0;
}
