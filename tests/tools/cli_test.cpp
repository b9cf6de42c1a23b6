#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "base/error.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/help.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/program.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {
namespace {

using Strings = std::vector<std::string>;

Work prepare_train(const Args& args);
int run_sample(const Args& args);

/// A table with every kind of option and every shape of range.
Verb train_verb() {
  return {
      .name = "train",
      .summary = "fit a flow to data",
      .examples = {"cnf train --data 8gaussians -o runs/8g", "cnf train --data points.csv -o runs/p --hidden 128,128"},
      .options = joined(
          {{{.name = "data", .value = "SET", .kind = Kind::text, .help = "A named set or a file.", .required = true},
            output_option("DIR", "The run folder."),
            force_option(),
            {.name = "steps",
             .value = "N",
             .kind = Kind::integer,
             .initial = "2000",
             .range = Range::whole(1, 1'000'000'000),
             .help = "Updates of the parameters.",
             .group = "Training"},
            {.name = "batch",
             .letter = 'B',
             .value = "N",
             .kind = Kind::integer,
             .initial = "512",
             .range = Range::whole(1),
             .help = "Samples an update.",
             .group = "Training"},
            {.name = "shift",
             .value = "N",
             .kind = Kind::integer,
             .range = Range::whole(-10, 10),
             .help = "A whole number of either sign.",
             .group = "Training"},
            {.name = "lr",
             .value = "X",
             .kind = Kind::real,
             .initial = "1e-3",
             .range = Range::above(0),
             .help = "Learning rate.",
             .group = "Training"},
            {.name = "decay",
             .value = "X",
             .kind = Kind::real,
             .initial = "0.5",
             .range = Range::closed(0, 1),
             .help = "Weight decay.",
             .group = "Training"},
            {.name = "t-end",
             .value = "T",
             .kind = Kind::real,
             .initial = "1",
             .help = "Any finite number: the time of the data.",
             .group = "Training"},
            {.name = "hidden",
             .value = "N,N",
             .kind = Kind::integers,
             .initial = "64,64,64",
             .range = Range::whole(1, 4096),
             .max_count = 8,
             .help = "Widths of the hidden layers.",
             .group = "Network"},
            {.name = "range",
             .value = "X,X,Y,Y",
             .kind = Kind::reals,
             .min_count = 4,
             .max_count = 4,
             .help = "The box that is drawn; given as x0,x1,y0,y1, in the units of the data, smaller ends first.",
             .group = "Network"},
            {.name = "activation",
             .value = "NAME",
             .kind = Kind::choice,
             .initial = "tanh",
             .choices = {"tanh", "softplus", "silu"},
             .help = "The nonlinearity.",
             .group = "Network"},
            {.name = "title", .value = "TEXT", .kind = Kind::text, .help = "Any text.", .group = "Network"}},
           solve_options({{"dopri5", ""}, {"bosh3", ""}}, {{"euler", ""}, {"rk4", ""}}, "dopri5", "1e-5", "1e-5"),
           {precision_option()},
           common_options()}),
      .prepare = prepare_train};
}

Verb sample_verb() {
  return {.name = "sample",
          .summary = "draw samples",
          .examples = {"cnf sample runs/8g -N 1000 -o points.npy"},
          .positionals = {{.name = "model", .value = "MODEL", .kind = Kind::path, .help = "A run.", .required = true},
                          {.name = "count", .value = "COUNT", .kind = Kind::integer, .help = "How many."}},
          .options = {{.name = "num",
                       .letter = 'N',
                       .value = "N",
                       .kind = Kind::integer,
                       .initial = "10",
                       .range = Range::whole(1),
                       .help = "How many."},
                      {.name = "mode", .value = "HOW", .kind = Kind::text, .initial = "ok", .help = "How it ends."},
                      output_option("FILE", "Where to."),
                      quiet_option(),
                      json_option()},
          .prepare = [](const Args& args) -> Work { return [&args] { return run_sample(args); }; }};
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all{train_verb(), sample_verb()};
  return all;
}

struct Refused {
  std::string what, help;
};

/// What the parser says against the words, if it does.
std::optional<Refused> refusal(const Verb& verb, const Strings& words) {
  try {
    const Args args(verb, words);
    return std::nullopt;
  } catch (const UsageError& error) {
    return Refused{error.what(), error.help()};
  }
}

Args train_args(Strings words) {
  words.insert(words.end(), {"--data", "moons"});
  return Args(train_verb(), words);
}

// --- the verbs of the tests
// -------------------------------------------------------------------------------------------

Work prepare_train(const Args& args) {
  if (args.given("title") && args.text("title") == "forbidden") throw UsageError("--title: forbidden");
  return [] {
    write_stdout("trained\n");
    return 0;
  };
}

int run_sample(const Args& args) {
  const std::string mode = args.text("mode");
  if (mode == "input") throw InputError("a.csv:3:1: 'x' is not a number", "remove the line");
  if (mode == "newline") throw InputError("a\nb.csv: no such file");
  if (mode == "alloc") throw std::bad_alloc();
  if (mode == "logic") throw std::logic_error("broken");
  if (mode == "number") throw 7;
  if (mode == "code") {
    write_stdout("part of a result\n");
    return 1;
  }
  if (mode == "flood") {
    for (int i = 0; i < 100'000; ++i) write_stdout("a line of output that fills the pipe\n");
  }
  if (mode == "signal" || mode == "twice" || mode == "throw") {
    ::raise(SIGTERM);
    if (!interrupted()) return 1;
    if (mode == "twice") ::raise(SIGINT);
    if (mode == "throw") throw Interrupted("stopped at step 7", "cnf train --resume runs/8g");
  }
  write_stdout("done " + std::to_string(args.integer("num")) + "\n");
  return 0;
}

// --- running the program in a child
// -----------------------------------------------------------------------------------

struct Ended {
  int code = -1;  ///< exit code; 1000 + signal if a signal ended it
  std::string out, err;
};

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path fresh_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cnf_cli_XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  return pattern;
}

/// Runs `body` in a child with standard output and error in files (or `out_path`), and returns what became of it.
template <class F>
Ended in_child(const F& body, const std::string& out_path = "") {
  const auto folder = fresh_folder();
  const std::string out = out_path.empty() ? (folder / "out").string() : out_path, err = (folder / "err").string();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    // Catch's handlers would turn the signals of these tests into failures.
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0666), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 2);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), out_path.empty() ? slurp(out) : "",
              slurp(err)};
  std::filesystem::remove_all(folder);
  return ended;
}

int run_words(const std::vector<Verb>& table, const Strings& words) {
  std::vector<const char*> argv{"cnf"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return run_program(table, static_cast<int>(argv.size()), argv.data());
}

Ended program(const Strings& words, const std::string& out_path = "") {
  return in_child([&] { return run_words(verbs(), words); }, out_path);
}

/// A verb that says its name and its argument.
Verb speaking_verb(const std::string& name, Work (*prepare)(const Args&)) {
  return {.name = name,
          .summary = "say what " + name + " was given",
          .examples = {"cnf " + name + " runs/c"},
          .positionals = {{.name = "model", .value = "MODEL", .kind = Kind::text, .help = "A run.", .required = true}},
          .prepare = prepare};
}

Work saying(const std::string& text) {
  return [text] {
    write_stdout(text + "\n");
    return 0;
  };
}

/// A program with verbs of one word and of two.
const std::vector<Verb>& verbs_of_two_words() {
  static const std::vector<Verb> all{
      sample_verb(),
      speaking_verb("classify train", [](const Args& args) { return saying("trains " + args.text("model")); }),
      speaking_verb("classify test", [](const Args& args) { return saying("tests " + args.text("model")); }),
      speaking_verb("sample paths", [](const Args& args) { return saying("paths of " + args.text("model")); })};
  return all;
}

}  // namespace

// --- values
// -----------------------------------------------------------------------------------------------------------

namespace {

/// The values people and scripts get wrong, and a few right ones.
const Strings kNasty{"",
                     "nan",
                     "NaN",
                     "-nan",
                     "inf",
                     "-inf",
                     "infinity",
                     "-1",
                     "-5",
                     "0",
                     "-0",
                     "1",
                     "0.5",
                     "1e400",
                     "-1e400",
                     "1e-400",
                     "0x10",
                     "1,5",
                     "1 2",
                     " 1",
                     "1 ",
                     "+1",
                     "0.5abc",
                     "abc",
                     "--lr",
                     "-",
                     "1e3",
                     "1.",
                     ".5",
                     "1_000",
                     "99999999999999999999",
                     "9223372036854775807",
                     "1;2",
                     "1,,2",
                     ",",
                     "1,2,3,4",
                     "-4,4,-4,4",
                     "1e",
                     "١",
                     "1\n",
                     std::string(100'000, '9'),
                     "tanh",
                     "rk4",
                     "rk4:8",
                     "dopri5:0",
                     "hutchinson:2",
                     "1e-320"};

/// An independent reading, by strtod and strtoll in the C locale: nothing if `text` is no number from first to last
/// character in plain decimal notation, or does not fit.
std::optional<double> plain_real(const std::string& text) {
  if (text.empty() || text.find_first_not_of("+-.0123456789eE") != text.npos || text[0] == '+') return std::nullopt;
  errno = 0;
  char* end = nullptr;
  static const locale_t c_locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
  const double x = ::strtod_l(text.c_str(), &end, c_locale);
  const bool lost = errno == ERANGE && (x == 0 || std::isinf(x));
  if (*end != '\0' || lost) return std::nullopt;
  return x;
}

std::optional<long long> plain_whole(const std::string& text) {
  if (text.empty() || text.find_first_not_of("-0123456789") != text.npos) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  const long long x = std::strtoll(text.c_str(), &end, 10);
  return *end == '\0' && errno == 0 && text != "-" ? std::optional(x) : std::nullopt;
}

Strings split(const std::string& text) {
  Strings parts{""};
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// What the table's row says about the value, spelled out again.
bool acceptable(const Option& option, const std::string& text) {
  const Range& r = option.range;
  const auto whole = [&](const std::string& s) {
    const auto x = plain_whole(s);
    return x && *x >= r.whole_min && *x <= r.whole_max;
  };
  const auto real = [&](const std::string& s) {
    const auto x = plain_real(s);
    return x && (r.min_open ? *x > r.min : *x >= r.min) && (r.max_open ? *x < r.max : *x <= r.max);
  };
  const Strings parts = split(text);
  const bool count = parts.size() >= option.min_count && parts.size() <= option.max_count;
  switch (option.kind) {
    case Kind::flag:
      return false;
    case Kind::integer:
      return whole(text);
    case Kind::real:
      return real(text);
    case Kind::text:
      return true;
    case Kind::path:
      return !text.empty();
    case Kind::integers:
      return count && std::all_of(parts.begin(), parts.end(), whole);
    case Kind::reals:
      return count && std::all_of(parts.begin(), parts.end(), real);
    case Kind::choice:
      for (const std::string& choice : option.choices) {
        const std::string name = choice.substr(0, choice.find_first_of("[:"));
        const bool may = choice != name, must = may && choice[name.size()] == ':';
        if (text == name) return !must;
        if (text.starts_with(name + ":")) return may && whole(text.substr(name.size() + 1));
      }
      return false;
  }
  return false;
}

bool is_one_line(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace

TEST_CASE("every option accepts exactly the values its row in the table allows", "[tools][cli]") {
  CHECK(kNasty.size() >= 25);
  Verb verb = train_verb();
  for (Option& option : verb.options) option.required = false;
  int refused = 0, accepted = 0;
  for (const Option& option : verb.options) {
    for (const std::string& text : kNasty) {
      CAPTURE(option.name, text.substr(0, 50));
      const auto trouble = refusal(verb, {"--" + option.name + "=" + text});
      CHECK(trouble.has_value() == !acceptable(option, text));
      ++(trouble ? refused : accepted);
      if (!trouble) continue;
      CHECK(trouble->what.starts_with("--" + option.name + ": "));
      CHECK(is_one_line(trouble->what + trouble->help));
      CHECK(trouble->what.size() < 300);
      // The range is said, but for a flag and for a number behind a choice, which say what to write.
      const bool says = trouble->what.find("expected " + expected(option)) != std::string::npos;
      if (option.kind != Kind::flag && option.kind != Kind::choice && option.kind != Kind::integers &&
          option.kind != Kind::reals) {
        CHECK(says);
      }
    }
  }
  CHECK(refused > 500);
  CHECK(accepted > 100);
}

TEST_CASE("an option that repeats joins its values by commas, and a text may be a negative number", "[tools][cli]") {
  const Verb verb{.name = "v",
                  .options = {{.name = "missing", .value = "V", .kind = Kind::text, .repeats = true, .help = "h"},
                              {.name = "title", .value = "T", .kind = Kind::text, .help = "h"}}};
  const auto missing = [&](const std::vector<std::string>& words) { return Args(verb, words).text("missing"); };
  CHECK(missing({"--missing", "-200", "--missing", "NA,"}) == "-200,NA,");
  CHECK(missing({"--missing=", "--missing", "-.5"}) == ",-.5");
  CHECK(Args(verb, {"--missing", ""}).given("missing"));
  CHECK(missing({"--missing", ""}).empty());
  CHECK_THROWS_AS(Args(verb, {"--title", "a", "--title", "b"}), UsageError);
}

TEST_CASE("a value as the next word is read as the same value joined by =", "[tools][cli]") {
  Verb verb = train_verb();
  for (Option& option : verb.options) option.required = false;
  for (const Option& option : verb.options) {
    if (option.kind == Kind::flag) continue;
    for (const std::string& text : kNasty) {
      CAPTURE(option.name, text.substr(0, 50));
      const bool refused = refusal(verb, {"--" + option.name, text}).has_value();
      const bool number = option.kind != Kind::path && option.kind != Kind::choice;  // may be one, of a text
      // Words that look like options are never values.
      const bool like_option = text.size() > 1 && text[0] == '-' && !(number && text[1] != '-' && text[1] < 'A');
      CHECK(refused == (like_option || !acceptable(option, text)));
    }
  }
}

TEST_CASE("no range holds an infinity or a NaN", "[tools][cli]") {
  for (const Range& range : {Range{}, Range::above(0), Range::at_least(0), Range::open(0, HUGE_VAL)}) {
    for (const double x : {HUGE_VAL, -HUGE_VAL, std::nan("")}) CHECK_FALSE(range.holds(x));
    CHECK(range.holds(1.0));
  }
}

TEST_CASE("a random command line is read or refused in one line", "[tools][cli]") {
  const Verb train = train_verb(), sample = sample_verb();
  Strings words = kNasty;
  words.insert(words.end(),
               {"--", "-", "-h", "-q", "-qf", "-fo", "-B", "-N", "-N5", "=", "--=", "---", "-=", "m", "help"});
  for (const Option& option : train.options) {
    words.push_back("--" + option.name);
    words.push_back("--" + option.name + "=");
    words.push_back("--" + option.name + "=" + (option.initial.empty() ? "1" : option.initial));
  }
  std::mt19937 random(5);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  int read = 0;
  for (int i = 0; i < 10'000; ++i) {
    Strings line(below(7));
    for (std::string& word : line) word = words[below(words.size())];
    const auto said = refusal(i % 2 ? train : sample, line);  // anything but a UsageError fails the test
    if (said && !is_one_line(said->what + said->help)) FAIL(said->what);
    read += !said;
  }
  CHECK(read > 100);
}

TEST_CASE("numbers are read the same under a locale with decimal commas", "[tools][cli]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    if (!std::setlocale(LC_ALL, locale)) continue;  // not installed everywhere; C always is
    CHECK(train_args({"--lr=0.25"}).real("lr") == 0.25);
    CHECK(refusal(train_verb(), {"--data=x", "--lr=0,25"})->help == "write 0.25");
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("getters return what was typed or the default", "[tools][cli]") {
  const Args args = train_args({"--steps", "7", "--lr=1e-2", "-o", "runs/8g", "--hidden=32,16", "--range=-4,4,-3,3",
                                "--solver", "rk4:8", "-qf", "--shift", "-3", "--title="});
  CHECK(args.integer("steps") == 7);
  CHECK(args.integer("batch") == 512);
  CHECK(args.integer("shift") == -3);
  CHECK(args.real("lr") == 1e-2);
  CHECK(args.real("t-end") == 1);
  CHECK(args.path("output") == "runs/8g");
  CHECK(args.list("hidden") == std::vector<std::int64_t>{32, 16});
  CHECK(args.reals("range") == std::vector<double>{-4, 4, -3, 3});
  CHECK(args.choice("solver").name == "rk4");
  CHECK(args.choice("solver").number == 8);
  CHECK(args.choice("divergence").name == "auto");
  CHECK_FALSE(args.choice("divergence").number.has_value());
  CHECK(args.text("title").empty());
  CHECK(args.text("activation") == "tanh");
  CHECK(args.flag("quiet"));
  CHECK(args.flag("force"));
  CHECK_FALSE(args.flag("json"));
  CHECK(args.given("steps"));
  CHECK_FALSE(args.given("batch"));
  CHECK(args.has("batch"));
  CHECK_FALSE(args.has("threads"));
  CHECK(args.verb() == "train");
}

TEST_CASE("asking for an option that is not there, of another kind, or unset is a misuse", "[tools][cli]") {
  const Args args = train_args({});
  CHECK_THROWS_AS(args.integer("stpes"), std::invalid_argument);
  CHECK_THROWS_AS(args.given("stpes"), std::invalid_argument);
  CHECK_THROWS_AS(args.real("steps"), std::invalid_argument);
  CHECK_THROWS_AS(args.flag("steps"), std::invalid_argument);
  CHECK_THROWS_AS(args.list("range"), std::invalid_argument);
  CHECK_THROWS_AS(args.integer("threads"), std::invalid_argument);
}

TEST_CASE("letters may be grouped, and a value may follow its letter", "[tools][cli]") {
  for (const Strings& words :
       {Strings{"m", "-N", "5", "-q"}, {"-qN5", "m"}, {"-qN", "5", "m"}, {"-N5", "-q", "--", "m"}}) {
    const Args args(sample_verb(), words);
    CHECK(args.integer("num") == 5);
    CHECK(args.flag("quiet"));
    CHECK(args.path("model") == "m");
  }
  CHECK(Args(sample_verb(), {"m", "-oa b/c,d.npy"}).path("output") == "a b/c,d.npy");
}

TEST_CASE("paths of any bytes arrive as they are", "[tools][cli]") {
  for (const std::string& path :
       {std::string("a b"), std::string("a\nb"), std::string("\xff\xfe"), std::string("ü,'\""), std::string("-"),
        std::string("a=b"), std::string(255, 'x'), std::string("--weird")}) {
    CAPTURE(path);
    CHECK(Args(sample_verb(), {"m", "--output=" + path}).path("output") == path);
    CHECK(Args(sample_verb(), {"--", path}).path("model") == path);
  }
  CHECK(Args(sample_verb(), {"a,b", "3"}).path("model") == "a,b");
  CHECK(Args(sample_verb(), {"a,b", "3"}).integer("count") == 3);
}

TEST_CASE("seeds reach all 63 bits", "[tools][cli]") {
  CHECK(train_args({"--seed=9223372036854775807"}).integer("seed") == 9223372036854775807);
  CHECK(train_args({"--seed=9007199254740993"}).integer("seed") == 9007199254740993);
  CHECK(refusal(train_verb(), {"--data=x", "--seed=9223372036854775808"}));
}

// --- messages
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("common mistakes are answered in these words", "[tools][cli]") {
  struct Mistake {
    Strings words;
    std::string what, help;
  };
  const auto with_data = [](Strings words) {
    words.insert(words.begin(), "--data=moons");
    return words;
  };
  const std::vector<Mistake> train{
      {with_data({"--steps=-5"}), "--steps: -5 is out of range, expected a whole number from 1 to 1000000000", ""},
      {with_data({"--steps", "-5"}), "--steps: -5 is out of range, expected a whole number from 1 to 1000000000", ""},
      {with_data({"--stpes", "5"}), "--stpes is not an option of cnf train", "did you mean --steps?"},
      {with_data({"--Batch=5"}), "--Batch is not an option of cnf train", "did you mean --batch?"},
      {with_data({"--out", "x"}), "--out is not an option of cnf train", "did you mean --output?"},
      {with_data({"--t_end=2"}), "--t_end is not an option of cnf train", "did you mean --t-end?"},
      {with_data({"--temperature=2"}), "--temperature is not an option of cnf train", ""},
      {with_data({"-steps", "5"}), "-steps is not an option of cnf train", "long names take two dashes: --steps"},
      {with_data({"-z"}), "-z is not an option of cnf train", ""},
      {with_data({"-n"}), "-n is not an option of cnf train", "did you mean --dry-run?"},
      {with_data({"-b8"}), "-b8 is not an option of cnf train", "did you mean -B, --batch?"},
      {with_data({"--device=cuda"}), "--device is not an option of cnf train",
       "did you mean --threads? It runs on the processor alone"},
      {with_data({"--solver=lsoda"}),
       "--solver: 'lsoda' is not known, expected one of dopri5[:N], bosh3[:N], euler:N, rk4:N",
       "did you mean dopri5? There is no implicit method here"},
      {with_data({"-5"}), "'-5' is a value without an option", "write --name=-5"},
      {with_data({"\u2013steps", "5"}), "'\u2013steps' begins with a typographic dash, not with a minus",
       "type it again: --steps"},
      {with_data({"--steps"}), "--steps: needs a value, expected a whole number from 1 to 1000000000", ""},
      {with_data({"--output", "--lr", "1"}), "--output: needs a value, but '--lr' follows",
       "a value that begins with a minus is written --output=--lr"},
      {with_data({"--steps=abc"}), "--steps: 'abc' is not a whole number, expected a whole number from 1 to 1000000000",
       ""},
      {with_data({"--steps=1e6"}), "--steps: 1e6 is not a whole number, expected a whole number from 1 to 1000000000",
       "write 1000000"},
      {with_data({"--steps=2.5"}), "--steps: 2.5 is not a whole number, expected a whole number from 1 to 1000000000",
       ""},
      {with_data({"--steps="}), "--steps: '' is not a whole number, expected a whole number from 1 to 1000000000", ""},
      {with_data({"--batch=99999999999999999999"}),
       "--batch: 99999999999999999999 is out of range, expected a whole number of at least 1", ""},
      {with_data({"--lr=0,001"}), "--lr: '0,001' is not a number, expected a number above 0", "write 0.001"},
      {with_data({"--lr=0.5abc"}), "--lr: '0.5abc' is not a number, expected a number above 0", ""},
      {with_data({"--lr=nan"}), "--lr: nan is not a finite number, expected a number above 0", ""},
      {with_data({"--lr=1e400"}), "--lr: 1e400 is too large for a number of 64 bits, expected a number above 0", ""},
      {with_data({"--lr=1e-400"}), "--lr: 1e-400 is too small for a number of 64 bits, expected a number above 0", ""},
      {with_data({"--rtol=1"}), "--rtol: 1 is out of range, expected a number above 0 and below 1", ""},
      {with_data({"--decay=2"}), "--decay: 2 is out of range, expected a number from 0 to 1", ""},
      {with_data({"--activation=tahn"}), "--activation: 'tahn' is not known, expected one of tanh, softplus, silu",
       "did you mean tanh?"},
      {with_data({"--activation="}), "--activation: '' is not known, expected one of tanh, softplus, silu", ""},
      {with_data({"--solver=dorpi5"}),
       "--solver: 'dorpi5' is not known, expected one of dopri5[:N], bosh3[:N], euler:N, rk4:N",
       "did you mean dopri5?"},
      {with_data({"--solver=rk4"}), "--solver: rk4 needs a number behind a colon", "write rk4:8"},
      {with_data({"--solver=rk4:0"}), "--solver: rk4: 0 is out of range, expected a whole number from 1 to 1000000",
       ""},
      {with_data({"--divergence=exact:3"}), "--divergence: exact takes no number, got 'exact:3'", "write exact"},
      {with_data({"--json=yes"}), "--json: takes no value, got 'yes'", "write --json"},
      {with_data({"--lr=1", "--lr=2"}), "--lr: is given 2 times", "give it once"},
      {with_data({"--hidden", "64,", "64"}),
       "--hidden: the list '64,' has an empty place, expected 1 to 8 whole numbers from 1 to 4096, separated by commas",
       "write 1,2,3: no blanks, no last comma"},
      {with_data({"--hidden=64,0"}), "--hidden: 0 is out of range, expected a whole number from 1 to 4096", ""},
      {with_data({"--range=-4,4"}), "--range: the list has 2 numbers, expected 4 numbers, separated by commas", ""},
      {with_data({"--output="}), "--output: the name is empty, expected a file or folder", ""},
      {with_data({"moons"}), "unexpected argument 'moons', cnf train takes options only",
       "data are given by --data moons"},
      {with_data({"a b.csv"}), "unexpected argument 'a b.csv', cnf train takes options only",
       "data are given by --data 'a b.csv'"},
      {with_data({"--epochs=3"}), "--epochs is not an option of cnf train",
       "did you mean --steps? It counts updates, not passes over the data"},
      {with_data({"--learning_rate", "1"}), "--learning_rate is not an option of cnf train", "did you mean --lr?"},
      {with_data({"steps=5"}), "unexpected argument 'steps=5', cnf train takes options only", "did you mean --steps?"},
      {{"--steps=5"}, "--data is missing, expected a text", "for example: cnf train --data 8gaussians -o runs/8g"},
  };
  for (const Mistake& mistake : train) {
    const auto said = refusal(train_verb(), mistake.words);
    CAPTURE(mistake.words);
    REQUIRE(said);
    CHECK(said->what == mistake.what);
    CHECK(said->help == mistake.help);
  }
  const std::vector<Mistake> sample{
      {{}, "MODEL is missing, expected a file or folder", "for example: cnf sample runs/8g -N 1000 -o points.npy"},
      {{"m", "5", "6"},
       "unexpected argument '6', cnf sample takes no more than MODEL COUNT",
       "how many is said by -N 6"},
      {{"m", "many"}, "COUNT: 'many' is not a whole number, expected a whole number", ""},
      {{"m", "-N=5"}, "-N: takes its value as the next word, got '-N=5'", "write -N 5 or --num=5"},
      {{"m", "-N"}, "-N: needs a value, expected a whole number of at least 1", ""},
      {{"m", "-n", "5"}, "-n is not an option of cnf sample", "did you mean -N, --num?"},
      {{"m", "5", "a.npy"},
       "unexpected argument 'a.npy', cnf sample takes no more than MODEL COUNT",
       "an output is named by -o a.npy"},
      {{"m", "-qx"}, "-x (in '-qx') is not an option of cnf sample", ""},
      {{"m", "-q=1"}, "-q: takes no value, got '1'", "write -q"},
      {{"m", "--model=x"}, "--model is not an option of cnf sample", "MODEL is written by itself: cnf sample MODEL"},
      {{"--checkpoint=x"},
       "--checkpoint is not an option of cnf sample",
       "MODEL is written by itself: cnf sample MODEL"},
  };
  for (const Mistake& mistake : sample) {
    const auto said = refusal(sample_verb(), mistake.words);
    CAPTURE(mistake.words);
    REQUIRE(said);
    CHECK(said->what == mistake.what);
    CHECK(said->help == mistake.help);
  }
}

TEST_CASE("whatever is typed, the answer is one line without control characters", "[tools][cli]") {
  const std::string evil = "\x1b[2J\n\xff\xc2\x9b\xe2\x80";
  for (const Strings& words : {Strings{"--" + evil},
                               {"--steps=" + evil},
                               {"--activation=" + evil},
                               {evil},
                               {"-" + evil},
                               {"--output", "-" + evil},
                               {"--hidden=1,," + evil},
                               {"--json=" + evil}}) {
    const auto said = refusal(train_verb(), words);
    REQUIRE(said);
    CAPTURE(said->what, said->help);
    CHECK(is_one_line(said->what));
    CHECK(is_one_line(said->help));
    for (const char* raw : {"\xff", "\xc2\x9b"}) CHECK((said->what + said->help).find(raw) == std::string::npos);
  }
  CHECK(one_line("grüße, 1\xe2\x82\xac") == "grüße, 1\xe2\x82\xac");
}

TEST_CASE("the edit distance counts insertions, deletions, substitutions and swaps", "[tools][cli]") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("steps", "stpes") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("train", "train") == 0);
  CHECK(edit_distance("rtol", "atol") == 1);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("ca", "abc") == 3);  // 2 only if what was swapped may be edited again
}

TEST_CASE("the nearest name is found within two edits, or by its beginning, and nothing far away", "[tools][cli]") {
  const Strings names{"train", "sample", "logprob", "density", "lr", "data"};
  CHECK(closest("trian", names) == "train");
  CHECK(closest("TRAIN", names) == "train");
  CHECK(closest("logporb", names) == "logprob");
  CHECK(closest("den", names) == "density");
  CHECK(closest("samplexyz", names).empty());
  CHECK(closest("xy", names).empty());
  CHECK(closest("rl", names) == "lr");
  CHECK(closest("", names).empty());
  CHECK(closest("Fit", names) == "train");
  CHECK(closest("learning-rate", names) == "lr");
  CHECK(closest("LEARNING_RATE", names) == "lr");
  CHECK(closest("epochs", names).empty());  // ours is not a name here
  CHECK(closest(std::string(100'000, 'x'), names).empty());
}

// --- the table and its help
// -------------------------------------------------------------------------------------------

TEST_CASE("an argument that repeats takes every word by itself, commas and all", "[tools][cli]") {
  const Verb verb{.name = "compare",
                  .positionals = {{.name = "model",
                                   .value = "MODEL",
                                   .kind = Kind::path,
                                   .repeats = true,
                                   .min_count = 2,
                                   .max_count = 3,
                                   .help = "A run.",
                                   .required = true}},
                  .options = {{.name = "json", .help = "As JSON."}}};
  using Words = std::vector<std::string>;
  CHECK(Args(verb, {"a,b", "--json", "c d"}).texts("model") == Words{"a,b", "c d"});
  CHECK(Args(verb, {"a", "--", "--json", "a"}).texts("model") == Words{"a", "--json", "a"});
  CHECK_THROWS_WITH(Args(verb, {"a"}), "MODEL: 1 was given, expected 2 to 3");
  CHECK_THROWS_WITH(Args(verb, {"a", "b", "c", "d"}), "MODEL: 4 were given, expected 2 to 3");
  CHECK_THROWS_WITH(Args(verb, {"a", ""}), Catch::StartsWith("MODEL: "));
  CHECK_THROWS_WITH(Args(verb, {}), "MODEL is missing, expected a file or folder");
  CHECK_THAT(help_text(verb, 80), Catch::Contains("cnf compare MODEL ... [options]"));
  Verb wrong = verb;
  wrong.positionals.push_back({.name = "other", .value = "OTHER", .kind = Kind::path, .help = "Another."});
  CHECK_THROWS_WITH(check_table(wrong), Catch::Contains("what repeats is a path and the last"));
}

TEST_CASE("a wrong option table is refused by the name of its row", "[tools][cli]") {
  const Option good{.name = "width", .value = "N", .kind = Kind::integer, .help = "Width."};
  const auto wrong = [&](auto change) {
    Verb verb{.name = "v", .options = {good}};
    change(verb);
    CHECK_THROWS_WITH(check_table(verb), Catch::Contains("option table of v: "));
  };
  CHECK_NOTHROW(check_table({.name = "v", .options = {good}}));
  wrong([&](Verb& v) { v.options.push_back(good); });
  wrong([&](Verb& v) { v.positionals.push_back(good); });
  wrong([&](Verb& v) { v.options[0].help.clear(); });
  wrong([&](Verb& v) { v.options[0].value.clear(); });
  wrong([&](Verb& v) { v.options[0].name = "w"; });
  wrong([&](Verb& v) { v.options[0].name = "help"; });
  wrong([&](Verb& v) { v.options[0].letter = 'h'; });
  wrong([&](Verb& v) { v.options[0].letter = '4'; });
  wrong([&](Verb& v) { v.options[0].name = "a b"; });
  wrong([&](Verb& v) { v.options[0].name = "-ab"; });
  wrong([&](Verb& v) { v.options[0].initial = "many"; });
  wrong([&](Verb& v) { v.options[0].kind = Kind::choice; });
  wrong([&](Verb& v) { v.options[0].kind = Kind::flag; });
  wrong([&](Verb& v) { (v.options[0].initial = "5", v.options[0].required = true); });
  wrong([&](Verb& v) {
    v.options[0].initial = "5";
    v.options[0].range = Range::whole(1, 4);
  });
}

TEST_CASE("the shared options make a right table", "[tools][cli]") {
  CHECK_NOTHROW(check_table(train_verb()));
  CHECK_NOTHROW(check_table(sample_verb()));
}

TEST_CASE("help names every option with its default and fits the width", "[tools][cli]") {
  for (const Verb& verb : verbs()) {
    for (const int width : {80, 97, 120}) {
      const std::string text = help_text(verb, width);
      for (const Option& option : verb.options) {
        CAPTURE(option.name);
        CHECK(text.find("--" + option.name + (option.value.empty() ? " " : " " + option.value)) != std::string::npos);
      }
      std::string flat;  // lines joined again, to find texts that were wrapped
      for (const char c : text) {
        const bool blank = c == ' ' || c == '\n';
        if (!blank || (!flat.empty() && flat.back() != ' ')) flat += blank ? ' ' : c;
      }
      for (const Option& option : verb.options) {
        CHECK(flat.find(option.help) != std::string::npos);
        if (!option.initial.empty()) CHECK(flat.find("default " + option.initial + "]") != std::string::npos);
        for (const std::string& choice : option.choices) CHECK(flat.find(choice) != std::string::npos);
      }
      CHECK(flat.find("--help") != std::string::npos);
      CHECK(text.find("[options]\n\nExamples:\n  cnf ") != std::string::npos);
      std::size_t longest = 0;
      for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
        longest = std::max(longest, end - begin);
        if (end > begin) CHECK(text[end - 1] != ' ');
      }
      CHECK(longest <= static_cast<std::size_t>(width));
    }
  }
}

TEST_CASE("the help of a verb reads like this", "[tools][cli]") {
  CHECK(help_text(sample_verb(), 80) == std::string(R"(
cnf sample: draw samples

Usage: cnf sample MODEL [COUNT] [options]

Examples:
  cnf sample runs/8g -N 1000 -o points.npy

Arguments:
  MODEL              A run. [required]
  COUNT              How many.

Options:
  -N, --num N        How many. [at least 1; default 10]
      --mode HOW     How it ends. [default ok]

Output:
  -o, --output FILE  Where to.

Common:
  -q, --quiet        Only errors are said.
      --json         Print the results as one JSON object.
  -h, --help         Show this text.
)")
                                            .substr(1));
}

// --- the program
// ------------------------------------------------------------------------------------------------------

TEST_CASE("results go to standard output and nothing else does", "[tools][cli]") {
  const Ended ended = program({"sample", "m", "-N", "3"});
  CHECK(ended.code == 0);
  CHECK(ended.out == "done 3\n");
  CHECK(ended.err.empty());
}

TEST_CASE("help and version are results", "[tools][cli]") {
  for (const Strings& words : {Strings{"--help"}, {"-h"}, {"help"}}) {
    const Ended ended = program(words);
    CHECK(ended.code == 0);
    CHECK(ended.out.find("  train   fit a flow to data\n  sample  draw samples\n") != std::string::npos);
    CHECK(ended.err.empty());
  }
  for (const Strings& words :
       {Strings{"help", "train"}, {"train", "--help"}, {"train", "--bogus", "-h"}, {"train", "-qh", "--data=x"}}) {
    const Ended ended = program(words);
    CHECK(ended.code == 0);
    CHECK(ended.out == help_text(train_verb(), 80));
  }
  for (const std::string word : {"--version", "-V", "version"}) CHECK(program({word}).out.starts_with("cnf 0."));
  CHECK(program({"sample", "--", "--help"}).out == "done 10\n");
}

TEST_CASE("usage errors name the verb, help, and exit with 2", "[tools][cli]") {
  const auto check = [](const Strings& words, const std::string& err) {
    const Ended ended = program(words);
    CAPTURE(words);
    CHECK(ended.code == 2);
    CHECK(ended.out.empty());
    CHECK(ended.err == err);
  };
  check({"trian"}, "cnf: 'trian' is not a verb\nhelp: did you mean cnf train?\n");
  check({"fit"}, "cnf: 'fit' is not a verb\nhelp: did you mean cnf train?\n");
  check({"frobnicate"}, "cnf: 'frobnicate' is not a verb\nhelp: cnf --help lists the verbs\n");
  check({"help", "smaple"}, "cnf: 'smaple' is not a verb\nhelp: did you mean cnf sample?\n");
  check({"-"}, "cnf: the verb comes first, got '-'\nhelp: cnf VERB - ...\n");
  check({"-v"}, "cnf: the verb comes first, got '-v'\nhelp: did you mean --version?\n");
  check({"--generate"}, "cnf: --generate: needs a value, expected one of man, bash, zsh, fish\nhelp: cnf --help\n");
  check({"--generate", "postscript"},
        "cnf: --generate: 'postscript' is not known, expected one of man, bash, zsh, fish\nhelp: cnf --help\n");
  check({"--generate=man", "x"}, "cnf: --generate: takes one value, got 'x' too\nhelp: cnf --help\n");
  check({"--json", "train"}, "cnf: the verb comes first, got '--json'\nhelp: cnf VERB --json ...\n");
  check({"train", "--data=x", "--steps=-5"},
        "cnf train: --steps: -5 is out of range, expected a whole number from 1 to 1000000000\n"
        "help: cnf train --help\n");
  check({"train", "--data=x", "--title=forbidden"}, "cnf train: --title: forbidden\nhelp: cnf train --help\n");
  const Ended bare = program({});
  CHECK(bare.code == 2);
  CHECK(bare.out.empty());
  CHECK(bare.err.starts_with("cnf: continuous normalizing flows"));
}

TEST_CASE("a verb of two words is called, listed and helped by both", "[tools][cli]") {
  const auto run = [](const Strings& words) {
    return in_child([&] { return run_words(verbs_of_two_words(), words); });
  };
  CHECK(run({"classify", "train", "runs/c"}).out == "trains runs/c\n");
  CHECK(run({"classify", "test", "runs/c"}).out == "tests runs/c\n");
  // A verb of one word may begin others; a second word that is no part of a name is its argument.
  CHECK(run({"sample", "paths", "runs/c"}).out == "paths of runs/c\n");
  CHECK(run({"sample", "train"}).out == "done 10\n");

  const Ended listed = run({"classify"});
  CHECK(listed.code == 2);
  CHECK(listed.out.empty());
  const std::string list =
      "Usage: cnf classify VERB [arguments] [options]\n\nExamples:\n  cnf classify train runs/c\n  cnf classify test "
      "runs/c\n\nVerbs:\n  classify train  say what classify train was given\n  classify test   say what classify "
      "test was given\n\ncnf classify VERB --help tells what a verb does.\n";
  CHECK(listed.err == list);
  for (const Strings& words : {Strings{"classify", "--help"}, {"classify", "-h"}, {"help", "classify"}}) {
    const Ended ended = run(words);
    CHECK(ended.code == 0);
    CHECK(ended.out == list);
    CHECK(ended.err.empty());
  }
  for (const Strings& words : {Strings{"classify", "train", "--help"}, {"help", "classify", "train"}})
    CHECK(run(words).out == help_text(verbs_of_two_words()[1], 80));
  CHECK(run({"--help"}).out.find("  classify train  say what classify train was given\n") != std::string::npos);

  const auto refused = [&](const Strings& words, const std::string& err) {
    const Ended ended = run(words);
    CAPTURE(words);
    CHECK(ended.code == 2);
    CHECK(ended.err == err);
  };
  refused({"classify", "trian"}, "cnf: 'classify trian' is not a verb\nhelp: did you mean cnf classify train?\n");
  refused({"clasify", "test"}, "cnf: 'clasify' is not a verb\nhelp: did you mean cnf classify test?\n");
  refused({"clasify"}, "cnf: 'clasify' is not a verb\nhelp: did you mean cnf classify?\n");
  refused({"class", "--help"}, "cnf: 'class' is not a verb\nhelp: did you mean cnf classify?\n");
  refused({"classify", "runs/c"}, "cnf: 'classify runs/c' is not a verb\nhelp: cnf classify --help lists its verbs\n");
  refused({"train"}, "cnf: 'train' is not a verb\nhelp: cnf --help lists the verbs\n");
  refused({"classify", "--json"}, "cnf: the verb comes first, got '--json'\nhelp: cnf classify VERB --json ...\n");
  CHECK(run({"classify", "train"}).err.starts_with("cnf classify train: "));
}

TEST_CASE("a dry run checks and stops before the work", "[tools][cli]") {
  CHECK(program({"train", "--data=x"}).out == "trained\n");
  const Ended dry = program({"train", "--data=x", "--dry-run"});
  CHECK(dry.code == 0);
  CHECK(dry.out.empty());
  CHECK(program({"train", "--data=x", "--dry-run", "--title=forbidden"}).code == 2);
}

TEST_CASE("every kind of failure has its exit code and one line", "[tools][cli]") {
  const auto check = [](const std::string& mode, int code, const std::string& err) {
    const Ended ended = program({"sample", "m", "--mode", mode});
    CAPTURE(mode);
    CHECK(ended.code == code);
    CHECK(ended.out == (mode == "code" ? "part of a result\n" : ""));
    CHECK(ended.err == err);
  };
  check("input", 3, "cnf sample: a.csv:3:1: 'x' is not a number\nhelp: remove the line\n");
  check("newline", 3, "cnf sample: a\\nb.csv: no such file\n");
  check("alloc", 5,
        "cnf sample: out of memory\nhelp: less is needed with --threads 1, a smaller batch or a smaller picture\n");
  check("logic", 1, "cnf sample: broken\n");
  check("number", 1, "cnf sample: an unknown failure\n");
  check("code", 1, "");
}

TEST_CASE("a full disk behind standard output is an error, however short the output", "[tools][cli]") {
  for (const char* mode : {"ok", "flood"}) {
    const Ended ended = program({"sample", "m", "--mode", mode}, "/dev/full");
    CHECK(ended.code == 4);
    CHECK(ended.err ==
          "cnf sample: standard output: No space left on device\nhelp: free some space, or write elsewhere with -o\n");
  }
  CHECK(program({"--help"}, "/dev/full").code == 4);
  const Ended failed_before = program({"sample", "m", "--mode", "code"}, "/dev/full");
  CHECK(failed_before.code == 1);
  CHECK(failed_before.err.empty());
}

TEST_CASE("a limit on file sizes is an error, not a signal", "[tools][cli]") {
  const Ended ended = in_child([] {
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return run_words(verbs(), {"sample", "m", "--mode", "flood"});
  });
  CHECK(ended.code == 4);
  CHECK(ended.err.starts_with("cnf sample: standard output: File too large\n"));
}

TEST_CASE("a reader that goes away ends the program quietly", "[tools][cli]") {
  const Ended ended = in_child([] {
    int ends[2];
    if (::pipe(ends) != 0) return 99;
    ::close(ends[0]);
    ::dup2(ends[1], 1);
    return run_words(verbs(), {"sample", "m", "--mode", "flood"});
  });
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
}

TEST_CASE("a closed standard output is an error and never another file", "[tools][cli]") {
  const Ended ended = in_child([] {
    ::close(0);
    ::close(1);
    const int code = run_words(verbs(), {"sample", "m"});
    const int next = ::open("/dev/null", O_RDONLY);
    return next > 2 ? code : 99;
  });
  CHECK(ended.code == 4);
  CHECK(ended.err.starts_with("cnf sample: standard output: "));
}

TEST_CASE("the first signal asks, the second ends, and the exit code says which", "[tools][cli]") {
  const Ended asked = program({"sample", "m", "--mode", "signal"});
  CHECK(asked.code == 143);
  CHECK(asked.out == "done 10\n");
  const Ended thrown = program({"sample", "m", "--mode", "throw"});
  CHECK(thrown.code == 143);
  CHECK(thrown.err == "cnf sample: stopped at step 7\nhelp: cnf train --resume runs/8g\n");
  const Ended twice = program({"sample", "m", "--mode", "twice"});
  CHECK(twice.code == 130);
  CHECK(twice.out.empty());
  const Ended ctrl_c = in_child([] {
    catch_interrupts();
    ::raise(SIGINT);
    return interrupt_exit_code();
  });
  CHECK(ctrl_c.code == 130);
}

TEST_CASE("where nothing can be lost the first signal ends at once, and one that came before is not forgotten",
          "[tools][cli]") {
  const Ended ended = in_child([] {
    catch_interrupts();
    EndAtOnce::say_who("cnf train");
    { const EndAtOnce before; }
    const EndAtOnce nothing_to_lose;
    ::raise(SIGTERM);
    return 0;
  });
  CHECK(ended.code == 143);
  CHECK(ended.err == "cnf train: stopped\n");
  const Ended earlier = in_child([] {
    catch_interrupts();
    { const EndAtOnce over; }
    ::raise(SIGINT);  // asks
    if (!interrupted()) return 1;
    try {
      const EndAtOnce too_late;
    } catch (const Interrupted&) {
      return interrupt_exit_code();
    }
    return 2;
  });
  CHECK(earlier.code == 130);
  CHECK(earlier.err.empty());
}

TEST_CASE("a signal ignored from the start stays ignored", "[tools][cli]") {
  const Ended ended = in_child([] {
    ::signal(SIGINT, SIG_IGN);
    catch_interrupts();
    ::raise(SIGINT);
    ::raise(SIGINT);
    return interrupted() ? 1 : 0;
  });
  CHECK(ended.code == 0);
}

TEST_CASE("colour needs a terminal and no objection", "[tools][cli]") {
  const Ended ended = in_child([] {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) return 0;
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    if (!colour_wanted(terminal) || colour_wanted(1)) return 1;
    ::setenv("NO_COLOR", "", 1);
    if (!colour_wanted(terminal)) return 2;  // no-color.org: set and not empty
    ::setenv("NO_COLOR", "1", 1);
    if (colour_wanted(terminal)) return 3;
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "dumb", 1);
    return colour_wanted(terminal) ? 4 : 0;
  });
  CHECK(ended.code == 0);
}

TEST_CASE("what exists is overwritten only by force", "[tools][cli]") {
  const auto folder = fresh_folder();
  const auto file = folder / "points.npy";
  CHECK_NOTHROW(refuse_overwrite(file, false));
  std::ofstream(file) << "x";
  CHECK_THROWS_WITH(refuse_overwrite(file, false), file.string() + " exists; use --force");
  CHECK_THROWS_AS(refuse_overwrite(file, false), OutputError);
  CHECK_NOTHROW(refuse_overwrite(file, true));
  CHECK_THROWS_WITH(refuse_overwrite(folder, false), folder.string() + " exists; use --force");
  std::filesystem::create_directory(folder / "empty");
  CHECK_NOTHROW(refuse_overwrite(folder / "empty", false));
  CHECK_THROWS_AS(refuse_overwrite(file / "below", true), OutputError);
  std::filesystem::create_symlink(file, folder / "link");
  CHECK_THROWS_AS(refuse_overwrite(folder / "link", false), OutputError);
  CHECK_NOTHROW(refuse_overwrite("/dev/null", false));
  CHECK_NOTHROW(refuse_overwrite("-", false));
  std::filesystem::remove_all(folder);
}

// --- progress and reports
// ---------------------------------------------------------------------------------------------

namespace {

struct Shown {
  double now = 100;
  Strings texts;
  Progress::Clock clock() {
    return [this] { return now; };
  }
  Progress::Sink sink() {
    return [this](std::string_view text) { texts.emplace_back(text); };
  }
};

}  // namespace

int eighty() { return 80; }

TEST_CASE("the progress line comes at most ten times a second and removes itself", "[tools][cli]") {
  Shown shown;
  {
    Progress progress(Progress::Mode::line, "step", 1000, eighty, shown.clock(), shown.sink());
    progress.update(0);
    CHECK(shown.texts == Strings{"\rstep 0/1000  0 %\x1b[K"});  // at once
    for (int step = 1; step <= 1000; ++step) {
      shown.now += 0.002;  // 2 s in all
      const Progress::Field fields[] = {{"loss", 2.3456789}};
      progress.update(step, fields);
    }
    CHECK(shown.texts.size() >= 20);
    CHECK(shown.texts.size() <= 21);
    CHECK(shown.texts.at(10).starts_with("\rstep 5"));
    CHECK(shown.texts.at(10).ends_with(" %  1 s left  500/s  loss 2.346\x1b[K"));
    progress.note("saved");
    CHECK(shown.texts[shown.texts.size() - 2] == "\r\x1b[K");
    CHECK(shown.texts.back() == "saved\n");
    shown.now += 0.1;
    progress.update(1000);
  }
  CHECK(shown.texts.back() == "\r\x1b[K");
}

TEST_CASE("a progress line fits the terminal as wide as it is now, the time left before all else", "[tools][cli]") {
  Shown shown;
  int columns = 80;
  Progress progress(
      Progress::Mode::line, "sample", 10'000'000, [&] { return columns; }, shown.clock(), shown.sink());
  progress.update(0);
  const std::pair<int, std::string> lines[] = {
      {80, "sample 1000000/10000000  10 %  16 min 30 s left  9091/s  loss 2.5"},
      {64, "sample 1000000/10000000  10 %  16 min 30 s left  9091/s"},
      {48, "sample 1000000/10000000  10 %  16 min 30 s left"},
      {47, "sample 1000000  10 %  16 min 30 s left  9091/s"},
      {40, "sample 1000000  10 %  16 min 30 s left"},
      {30, "10 %  16 min 30 s left"},
      {12, "10 %"},
      {3, ""}};
  for (const auto& [width, text] : lines) {
    columns = width;
    shown.now = 210;
    shown.texts.clear();
    Progress fresh(
        Progress::Mode::line, "sample", 10'000'000, [&] { return columns; }, shown.clock(), shown.sink());
    fresh.update(0);
    shown.now += 110;
    const Progress::Field fields[] = {{"loss", 2.5}};
    fresh.update(1'000'000, fields);
    CHECK(shown.texts.back() == "\r" + text + "\x1b[K");
  }
}

/// Seconds left that a line claims; -1 if none.
double seconds_left(const std::string& line) {
  const std::size_t percent = line.find(" %  "), left = line.find(" left");
  if (percent == std::string::npos || left == std::string::npos) return -1;
  double seconds = 0;
  std::istringstream words(line.substr(percent + 4, left - percent - 4));
  double n = 0;
  for (std::string unit; words >> n >> unit;) seconds += n * (unit == "h" ? 3600 : unit == "min" ? 60 : 1);
  return seconds;
}

TEST_CASE("the time left is right within a quarter, on a steady, a resumed, a slowing and a hastening run",
          "[tools][cli]") {
  // What a step takes at a share of the run; where a run begins.
  struct Pace {
    std::string name;
    int first;
    std::function<double(double)> seconds;
    double from = 0.1;  // of its time, it is held to
  };
  const Pace paces[] = {{"steady", 0, [](double) { return 0.02; }},
                        {"resumed at nine tenths", 9000, [](double) { return 0.02; }},
                        {"a third slower at its end", 0, [](double at) { return 0.02 * (1 + at / 3); }},
                        {"slow in its first second", 0, [](double at) { return at < 0.001 ? 0.2 : 0.02; }},
                        {"five times as fast after a tenth", 0, [](double at) { return at < 0.1 ? 0.1 : 0.02; }, 0.5}};
  for (const Pace& pace : paces) {
    CAPTURE(pace.name);
    std::vector<double> times;  // at which each step is made
    Shown shown;
    const double begin = shown.now;
    {
      Progress progress(Progress::Mode::line, "step", 10000, eighty, shown.clock(), shown.sink());
      progress.update(pace.first);
      for (int step = pace.first; step < 10000; ++step) {
        shown.now += pace.seconds(step / 10000.0);
        const std::size_t before = shown.texts.size();
        progress.update(step + 1);
        times.resize(times.size() + (shown.texts.size() - before), shown.now);
      }
    }
    const double end = shown.now;
    REQUIRE(times.size() + 2 == shown.texts.size());
    int lines = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double past = times[i] - begin, left = end - times[i];
      if (past < pace.from * (end - begin) || past < 4 || left < 3) continue;  // a second more or less is rounding
      CAPTURE(past, left, shown.texts[i + 1]);
      CHECK(std::abs(seconds_left(shown.texts[i + 1]) - left) <= 0.25 * left + 0.5);
      ++lines;
    }
    CHECK(lines > 50);
  }
}

TEST_CASE("plain progress is lines without escapes, json one object a line", "[tools][cli]") {
  Shown plain, json;
  {
    Progress p(Progress::Mode::plain, "step", 0, eighty, plain.clock(), plain.sink());
    Progress j(Progress::Mode::json, "step", 300, eighty, json.clock(), json.sink());
    for (int step = 1; step <= 300; ++step) {
      plain.now += 0.125;
      json.now += 0.125;
      const Progress::Field fields[] = {{"loss", step == 300 ? std::nan("") : 0.1}};
      p.update(step, fields, step / 600.0);
      j.update(step, fields);
    }
  }
  CHECK(plain.texts.size() == 5);  // at 0.5, 10.5, 20.5, 30.5 and 37.5 s
  CHECK(plain.texts.back() == "step 300  50 %  38 s left  8/s  loss nan\n");
  CHECK(json.texts.size() == 38);
  const auto last = nlohmann::json::parse(json.texts.back());
  CHECK(last["step"] == 300);
  CHECK(last["of"] == 300);
  CHECK(last["fraction"] == 1.0);
  CHECK(last["loss"].is_null());
  CHECK(nlohmann::json::parse(json.texts.front())["loss"] == 0.1);
  {
    Progress unknown(Progress::Mode::plain, "baseline", 7, eighty, plain.clock(), plain.sink());
    plain.now += 11;
    unknown.update(3, {}, std::nan(""));
  }
  CHECK(plain.texts.back() == "baseline 3/7\n");
}

TEST_CASE("without a terminal progress is silent unless it is asked for", "[tools][cli]") {
  const Ended ended = in_child([] {
    ::setenv("TERM", "xterm", 1);
    const bool silent = Progress::mode("auto", false) == Progress::Mode::none &&
                        Progress::mode("none", false) == Progress::Mode::none &&
                        Progress::mode("plain", true) == Progress::Mode::plain &&
                        Progress::mode("json", false) == Progress::Mode::json;
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) return silent ? 0 : 1;
    ::dup2(terminal, 2);
    return silent && Progress::mode("auto", false) == Progress::Mode::line &&
                   Progress::mode("auto", true) == Progress::Mode::none
               ? 0
               : 1;
  });
  CHECK(ended.code == 0);
  CHECK_THROWS_AS(Progress::mode("loud", false), std::invalid_argument);
}

TEST_CASE("a JSON report keeps the order of its keys and every bit of its numbers", "[tools][cli]") {
  JsonReport inner;
  inner.set("value", 2.0).set("se", std::nan(""));
  const double values[] = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, std::nextafter(1.0, 2.0)};
  JsonReport report;
  report.set("z", "last").set("nll", inner).set("n", 3).set("ok", true).set_unknown("kl");
  report.set("values", std::span<const double>(values)).set("bad", HUGE_VAL);
  report.set("shape", std::span<const std::int64_t>(std::vector<std::int64_t>{2, std::int64_t{1} << 62}));
  report.set("names", Strings{"a", "b"}).set("bytes", "\xff").set("runs", std::vector<JsonReport>{inner, inner});
  const std::string text = report.text(-1);
  CHECK(text.starts_with(R"({"z":"last","nll":{"value":2.0,"se":null},"n":3,"ok":true,"kl":null,"values":[0.1,)"));
  CHECK(text.back() == '\n');
  const auto json = nlohmann::json::parse(text);
  for (std::size_t i = 0; i < std::size(values); ++i) {
    const double back = json["values"][i];
    CHECK(back == values[i]);
    CHECK(std::signbit(back) == std::signbit(values[i]));
  }
  CHECK(json["bad"].is_null());
  CHECK(json["shape"][1] == std::int64_t{1} << 62);
  CHECK(json["bytes"] == "\xef\xbf\xbd");
  CHECK(json["runs"][1]["value"] == 2.0);
  CHECK_THROWS_AS(report.set("n", 4), std::invalid_argument);
}

}  // namespace cnf
