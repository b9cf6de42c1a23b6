// What a run may lose, which is nothing. Every system call that writes is failed in turn, once and for ever, or the
// process killed there: a run, a picture and rows are the old ones or the new ones, and nothing lies beside them.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "flows/files/training_file.hpp"
#include "tests/base/failing_ops.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/cli/args.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

namespace fs = std::filesystem;

/// The message that `cnf WORDS` ends with, "" if it ends well; in this process, and its results in files.
std::string ended(const Verb& verb, const std::vector<std::string>& words) {
  FailingOps quick;
  quick.syncs = false;
  std::optional<Using> shim;
  if (&file_ops() == &system_file_ops()) shim.emplace(quick);
  return message_of<Error>([&] {
    const Args args(verb, words);
    const Work work = verb.prepare(args);
    if (work() != 0) throw ComputationError("no exit code of 0");
  });
}

enum class Fault { once, for_ever, killed };

/// How a command ended under a fault.
struct Ended {
  std::string message;  ///< "": well
  bool well() const { return message.empty(); }
};

/// Does `work` with call 1, 2, 3, ... failing, from what `prepare` makes, until none is left to fail; `check` looks at
/// what is there then. Returns how many calls there are.
int fail_each_call(Fault fault, const std::function<void()>& prepare, const std::function<std::string()>& work,
                   const std::function<void(const Ended&)>& check) {
  for (int k = 1;; ++k) {
    prepare();
    FailingOps ops;
    ops.error = k % 2 == 0 ? ENOSPC : EIO;
    ops.fail_at = k;
    ops.for_ever = fault == Fault::for_ever;
    ops.kills = fault == Fault::killed;
    ops.syncs = false;
    Ended end;
    bool met = false;
    if (fault == Fault::killed) {
      const pid_t child = ::fork();
      if (child == 0) {
        replace_file_ops(&ops);
        ::_exit(work().empty() ? 0 : 1);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      met = WIFSIGNALED(status);
      if (met) end.message = "killed";
      CHECK((met || status == 0));
    } else {
      const Using shim(ops);
      end.message = work();
      met = ops.failed > 0;
      CHECK((met || end.well()));
      if (!end.well()) CHECK_THAT(end.message, Catch::Contains(std::strerror(ops.error)));
    }
    CAPTURE(k, static_cast<int>(fault), end.message);
    check(end);
    if (!met) return k - 1;
    REQUIRE(k < 1000);
  }
}

std::vector<std::string> temporaries(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::path& path : fs::recursive_directory_iterator(folder))
    if (path.filename().string().starts_with(".cnf-")) names.push_back(path.string());
  return names;
}

/// A table of three columns, quick to validate and with no picture.
std::string table() {
  std::string text = "a,b,c\n";
  for (int i = 0; i < 24; ++i)
    text += std::to_string(i % 5) + "," + std::to_string(i % 7) + "," + std::to_string(i * i % 11) + "\n";
  return text;
}

std::vector<std::string> training(const TemporaryFolder& folder, const std::string& seed, const std::string& run) {
  return {"--data",
          folder / "t.csv",
          "--hidden",
          "3",
          "--steps",
          "4",
          "--validate-every",
          "2",
          "--batch",
          "4",
          "--threads",
          "1",
          "--quiet",
          "--seed",
          seed,
          "-o",
          folder / run,
          "--force"};
}

void put_copy(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

std::string bits(const fs::path& run) {
  return contents(run / "model.safetensors") + contents(run / "training.safetensors") + contents(run / "metrics.csv") +
         contents(run / "rows.safetensors");
}

}  // namespace

TEST_CASE("whatever call fails or kills a run that replaces another, one of the two is whole, and goes on to its bits",
          "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  REQUIRE(ended(train_verb(), training(folder, "1", "old")) == "");
  REQUIRE(ended(train_verb(), training(folder, "2", "new")) == "");
  const std::string old_bits = bits(folder / "old"), new_bits = bits(folder / "new");
  const fs::path run = folder / "run";
  const Fault fault = GENERATE(Fault::once, Fault::for_ever, Fault::killed);
  int kept = 0, replaced = 0;
  const int calls = fail_each_call(
      fault, [&] { put_copy(folder / "old", run); }, [&] { return ended(train_verb(), training(folder, "2", "run")); },
      [&](const Ended& end) {
        if (fault != Fault::killed) CHECK(temporaries(folder.path()).empty());
        if (end.well()) CHECK((bits(run) == new_bits));
        const ModelArgument there = open_model(run);
        CHECK(there.split().has_value());
        const bool is_old = contents(there.path) == contents(folder / "old/model.safetensors");
        if (is_old) CHECK((bits(run) == old_bits));
        (is_old ? kept : replaced) += 1;
        REQUIRE(ended(train_verb(), {"--resume", run, "--quiet", "--threads", "1"}) == "");
        CHECK((bits(run) == new_bits || (is_old && bits(run) == old_bits)));
        CHECK(temporaries(folder.path()).empty());
        CHECK(!fs::exists(run / ".new"));
        CHECK(!fs::exists(run / ".ready"));
      });
  CHECK(calls > 100);
  CHECK(kept > 20);
  CHECK(replaced > 20);
}

TEST_CASE("whatever call fails or kills a run that goes on, it goes on again to the same bits", "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  REQUIRE(ended(train_verb(), training(folder, "1", "whole")) == "");
  {
    FailingOps ops;  // the disk is full from the second validation on
    ops.syncs = false;
    const Using shim(ops);
    REQUIRE(ended(train_verb(), training(folder, "1", "count")) == "");
    ops.fail_at = ops.calls - 17;
    ops.for_ever = true;
    ops.calls = 0;
    REQUIRE(ended(train_verb(), training(folder, "1", "cut")) != "");
  }
  REQUIRE(read_training<float>(folder / "cut/training.safetensors").state.step == 2);
  const Fault fault = GENERATE(Fault::once, Fault::for_ever, Fault::killed);
  const std::vector<std::string> resume{"--resume", folder / "run", "--quiet", "--threads", "1"};
  const int calls = fail_each_call(
      fault, [&] { put_copy(folder / "cut", folder / "run"); }, [&] { return ended(train_verb(), resume); },
      [&](const Ended& end) {
        if (fault != Fault::killed) CHECK(temporaries(folder.path()).empty());
        CHECK_NOTHROW(open_model(folder / "run"));
        const std::int64_t step = read_training<float>(folder / "run/training.safetensors").state.step;
        CHECK((step == 4 || (step == 2 && !end.well())));
        REQUIRE(ended(train_verb(), resume) == "");
        CHECK((bits(folder / "run") == bits(folder / "whole")));
        CHECK(temporaries(folder.path()).empty());
      });
  CHECK(calls > 40);
}

TEST_CASE("whatever call fails or kills sample, data or density, the file is the old one or the new one",
          "[verbs][faults]") {
  const TemporaryFolder folder;
  REQUIRE(ended(train_verb(), {"--data", "moons", "--hidden", "3", "--steps", "2", "--batch", "8", "--threads", "1",
                               "--quiet", "-o", folder / "model"}) == "");
  const std::string model = folder / "model";
  put(folder / "in.csv", "0,0\n1,1\n");
  struct Command {
    Verb verb;
    std::vector<std::string> words;
    std::string name;
  };
  const std::vector<Command> commands{{sample_verb(), {model, "-N", "5"}, "x.csv"},
                                      {sample_verb(), {model, "-N", "5"}, "x.npy"},
                                      {logprob_verb(), {model, "--data", folder / "in.csv"}, "x.npy"},
                                      {data_verb(), {"moons", "-N", "5"}, "x.npy"},
                                      {density_verb(), {model, "--size", "100", "--threads", "1", "--quiet"}, "x.png"}};
  for (const Command& command : commands) {
    const fs::path to = folder / "out" / command.name;
    fs::remove_all(folder / "out");
    fs::create_directory(folder / "out");
    std::vector<std::string> words = command.words;
    words.insert(words.end(), {"-o", to, "--force"});
    REQUIRE(ended(command.verb, words) == "");
    const std::string fresh = contents(to);
    for (const Fault fault : {Fault::once, Fault::for_ever, Fault::killed})
      fail_each_call(
          fault, [&] { put(to, "old"); }, [&] { return ended(command.verb, words); },
          [&](const Ended& end) {
            const std::string there = contents(to);
            CHECK((there == fresh || (there == "old" && !end.well())));
            if (fault == Fault::killed) CHECK(ended(command.verb, words) == "");
            CHECK(fs::directory_iterator(folder / "out") != fs::directory_iterator());
            CHECK(std::distance(fs::directory_iterator(folder / "out"), fs::directory_iterator()) == 1);
          });
  }
}

TEST_CASE("a run that is given up before it has a model leaves the one before it as it was", "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  REQUIRE(ended(train_verb(), training(folder, "1", "run")) == "");
  const std::string before = bits(folder / "run");
  std::vector<std::string> wild = training(folder, "2", "run");
  wild.insert(wild.end(), {"--lr", "1e30"});
  CHECK_THAT(ended(train_verb(), wild), Catch::Contains("the run before it stands"));
  CHECK((bits(folder / "run") == before));
  CHECK(!fs::exists(folder / "run/.new"));
}

TEST_CASE("a folder that seems to be a new run's and leads elsewhere is refused, and nothing there is touched",
          "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  REQUIRE(ended(train_verb(), training(folder, "1", "run")) == "");
  REQUIRE(ended(train_verb(), training(folder, "2", "precious")) == "");
  const std::string run = bits(folder / "run"), precious = bits(folder / "precious");
  for (const char* name : {"run/.new", "run/.ready"}) {
    CAPTURE(name);
    fs::create_directory_symlink(folder / "precious", folder / name);
    CHECK_THAT(ended(train_verb(), training(folder, "3", "run")), Catch::Contains(std::string(name) + ": is a link"));
    ended(train_verb(), {"--resume", folder / "run", "--quiet", "--threads", "1"});
    CHECK((bits(folder / "precious") == precious));
    fs::remove(folder / name);
    CHECK((bits(folder / "run") == run));
  }
}

TEST_CASE("a run learns from what lies in the folder that it replaces, and keeps what it read", "[verbs][faults]") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  const std::vector<std::string> small{"--hidden",  "3", "--steps", "2",  "--batch", "8",
                                       "--threads", "1", "--quiet", "-o", run,       "--force"};
  const auto train = [&](std::vector<std::string> data) {
    data.insert(data.end(), small.begin(), small.end());
    return ended(train_verb(), data);
  };
  REQUIRE(train({"--data", "moons"}) == "");
  const std::string picture = contents(run / "density.png");
  CHECK(train({"--data", run / "density.png"}) == "");
  CHECK((contents(run / "source.picture") == picture));
  put(run / "metrics.csv", table());
  put(run / "timing.csv", table());
  CHECK(train({"--data", run / "metrics.csv", "--valid", run / "timing.csv"}) == "");
  CHECK(open_model(run).split()->validation.cols() == 24);
  CHECK(!fs::exists(run / "source.picture"));
}

namespace {

/// Notes which files hold what no sync has kept yet, and what a state would lose if the power went when it stands.
struct WatchingOps final : FailingOps {
  std::map<int, std::string> paths;
  std::set<std::string> unsynced;
  std::vector<std::string> lost;
  int states = 0;

  WatchingOps() { syncs = false; }
  int open(const char* path, int flags, mode_t mode) override {
    const int file = FailingOps::open(path, flags, mode);
    paths[file] = fs::path(path).filename();
    return file;
  }
  ssize_t write(int file, const void* bytes, std::size_t n) override {
    unsynced.insert(paths[file]);
    return FailingOps::write(file, bytes, n);
  }
  int fsync(int file) override {
    unsynced.erase(paths[file]);
    return FailingOps::fsync(file);
  }
  int rename(const char* from, const char* to) override {
    if (fs::path(to).filename() == "training.safetensors") {
      ++states;
      for (const char* log : {"metrics.csv", "timing.csv"})
        if (unsynced.contains(log)) lost.push_back(log);
    }
    return FailingOps::rename(from, to);
  }
};

}  // namespace

TEST_CASE("the logs are on the disk before the state that counts their lines", "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  WatchingOps ops;
  const Using shim(ops);
  REQUIRE(ended(train_verb(), training(folder, "1", "run")) == "");
  CHECK(ops.states == 3);
  CHECK(ops.lost == std::vector<std::string>{});
}

TEST_CASE("a log that lacks lines of its run is refused before anything is written", "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "t.csv", table());
  REQUIRE(ended(train_verb(), training(folder, "1", "whole")) == "");
  const fs::path run = folder / "run";
  const auto resumed = [&] { return ended(train_verb(), {"--resume", run, "--quiet", "--threads", "1"}); };
  for (const std::string log : {"metrics.csv", "timing.csv"}) {
    const std::string text = contents(folder / "whole" / log);
    const std::size_t header = text.find('\n') + 1, second = text.find('\n', header) + 1;
    const std::vector<std::string> damaged{text.substr(0, text.size() - 1),               // its last line cut
                                           text.substr(0, second),                        // one line too few
                                           text.substr(0, header) + text.substr(second),  // the first missing
                                           text.substr(0, header),
                                           text.substr(0, header - 2),
                                           "",
                                           text.substr(0, header) + "x" + text.substr(header),
                                           text.substr(0, header) + "2\n" + text.substr(second),
                                           text.substr(0, header) + "4," + text.substr(header),
                                           std::string(text.size(), '\0')};
    for (const std::string& bytes : damaged) {
      CAPTURE(log, bytes);
      put_copy(folder / "whole", run);
      put(run / log, bytes);
      const std::string before = bits(run) + contents(run / "timing.csv");
      const std::string message = resumed();
      CHECK(message.find((run / log).string()) == 0);
      CHECK((bits(run) + contents(run / "timing.csv") == before));
    }
    put(run / log, text + "what was being written when the power went");
    CHECK(resumed() == "");
    CHECK(contents(run / log) == text);
    fs::remove(run / log);
    CHECK(resumed() == "");
    CHECK(contents(run / log) == text.substr(0, header));
  }
}

TEST_CASE("a dry run says what the run would say of its folder", "[verbs][faults]") {
  const TemporaryFolder folder;
  put(folder / "file", "x");
  fs::create_directory(folder / "full");
  put(folder / "full/notes", "x");
  for (const std::string name : {"file", "file/run", "full"}) {
    for (const bool force : {false, true}) {
      CAPTURE(name, force);
      std::vector<std::string> words{"--data", "moons",     "--hidden", "3",       "--steps", "1",          "--batch",
                                     "8",      "--threads", "1",        "--quiet", "-o",      folder / name};
      if (force) words.push_back("--force");
      const Verb verb = train_verb();
      const std::string dry = message_of<OutputError>([&] {
        const Args args(verb, words);
        verb.prepare(args);
      });
      CHECK(dry.empty() == (force && name == "full"));
      CHECK(dry == ended(verb, words));
    }
  }
}
