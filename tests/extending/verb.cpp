#include <array>
#include <catch2/catch.hpp>

#include "tools/cli/args.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/program.hpp"

namespace cnf {

/// cnf repeat TEXT -N 3
Verb repeat_verb() {
  return {.name = "repeat",
          .summary = "Print a text several times",
          .examples = {"cnf repeat hello -N 3"},
          .positionals =
              {{.name = "text", .value = "TEXT", .kind = Kind::text, .help = "What to print.", .required = true}},
          .options = {{.name = "num",
                       .letter = 'N',
                       .value = "N",
                       .kind = Kind::integer,
                       .initial = "2",
                       .range = Range::whole(1, 100),
                       .help = "How often."}},
          .prepare = [](const Args& args) -> Work {  // refuses what can be refused, and returns the work
            return [&args] {
              for (std::int64_t i = 0; i < args.integer("num"); ++i) write_stdout(args.text("text") + "\n");
              return 0;
            };
          }};
}

TEST_CASE("a verb is a row: parser, checks and help read it", "[extending]") {
  const std::array verbs{repeat_verb()};
  const auto run = [&](std::vector<const char*> words) {
    words.insert(words.begin(), "cnf");
    return run_program(verbs, static_cast<int>(words.size()), words.data());
  };
  CHECK(run({"repeat", "extending", "-N", "2"}) == 0);
  CHECK(run({"repeat", "--help"}) == 0);
  CHECK(run({"repeat", "extending", "-N", "101"}) == 2);  // out of range
  CHECK(run({"repeat"}) == 2);                            // TEXT is missing
}

}  // namespace cnf
