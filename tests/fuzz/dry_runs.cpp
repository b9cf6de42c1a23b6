// Random command lines in the option table's own words, each carried to its end by --dry-run: it is answered by one of
// the documented exit codes, and no file is touched.
// usage: cnf_dry_runs [COUNT [FIRST]]    command lines FIRST to FIRST + COUNT - 1 of one stream
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "base/file_ops.hpp"
#include "base/random.hpp"
#include "base/utf8.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/cli/program.hpp"
#include "tools/verbs/verbs.hpp"

using namespace cnf;

namespace {

constexpr std::uint64_t kBatch = 5000;  ///< command lines of one process

const std::vector<Verb> kVerbs{train_verb(),    sample_verb(),  logprob_verb(),  density_verb(),
                               evaluate_verb(), compare_verb(), encode_verb(),   decode_verb(),
                               info_verb(),     data_verb(),    gradcheck_verb()};

/// No call that writes is to be made.
struct NoOps final : FileOps {
  [[noreturn]] static void touched(const char* call) {
    std::fprintf(stderr, "a dry run calls %s\n", call);
    std::_Exit(100);
  }
  int open(const char*, int, mode_t) override { touched("open"); }
  ssize_t write(int, const void*, std::size_t) override { touched("write"); }
  int fsync(int) override { touched("fsync"); }
  int close(int) override { touched("close"); }
  int link(int, const char*) override { touched("link"); }
  int rename(const char*, const char*) override { touched("rename"); }
  int unlink(const char*) override { touched("unlink"); }
  int mkdir(const char*, mode_t) override { touched("mkdir"); }
  int rmdir(const char*) override { touched("rmdir"); }
  int flock(int, int) override { touched("flock"); }
  int ftruncate(int, off_t) override { touched("ftruncate"); }
};

/// Command line number i.
class Line {
 public:
  explicit Line(std::uint64_t i) : i_(i) {}

  std::vector<std::string> words() {
    const Verb& verb = kVerbs[below(kVerbs.size())];
    std::vector<std::string> out{verb.name, "--dry-run"};
    for (const Option& positional : verb.positionals)
      for (std::uint64_t n = positional.repeats ? 2 : 1; n > 0; --n)
        if (below(16) > 0) out.push_back(below(4) > 0 ? pick(kModels) : value(positional));
    for (const Option& option : verb.options)
      if (option.required || (option.name == "data" && below(2) == 0)) add(out, "--" + option.name, value(option));
    for (std::size_t n = below(6); n > 0; --n) {
      const Verb& from = below(40) > 0 ? verb : kVerbs[below(kVerbs.size())];
      const Option& option = from.options[below(from.options.size())];
      const bool by_letter = option.letter != 0 && below(3) == 0;
      std::string name = by_letter ? std::string("-") + option.letter : "--" + option.name;
      if (below(100) == 0) name.insert(below(name.size() + 1), 1, "-=x\n\xff"[below(5)]);
      if (option.kind == Kind::flag ? below(50) > 0 : below(50) == 0)
        out.push_back(name);
      else
        add(out, name, value(option));
    }
    if (below(30) == 0)
      out.insert(out.begin() + static_cast<std::ptrdiff_t>(below(out.size() - 1) + 2), pick(kStrange));
    return out;
  }

 private:
  std::size_t below(std::size_t n) {
    return uniform_index({2}, Purpose::data, 0, i_, next_++, static_cast<std::uint32_t>(n));
  }
  std::string pick(const std::vector<std::string>& of) { return of[below(of.size())]; }
  void add(std::vector<std::string>& out, const std::string& name, const std::string& value) {
    if (below(2) == 0)
      out.insert(out.end(), {name, value});
    else
      out.push_back(name + "=" + value);
  }

  /// Mostly one that the option takes.
  std::string value(const Option& option) {
    if (below(20) == 0) return pick(kStrange);
    if (!option.initial.empty() && below(4) == 0) return option.initial;
    const auto list = [&](const auto& one) {
      std::string text = one();
      for (std::size_t n = option.min_count + below(3); n > 1; --n) text += "," + one();
      return text;
    };
    const auto whole = [&] {
      return std::to_string(std::max<std::int64_t>(option.range.whole_min, 0) + static_cast<std::int64_t>(below(100)));
    };
    const auto real = [&] { return pick({"0.1", "1", "1e-3", "0.5", "2", "-1", "1e-300", "0"}); };
    switch (option.kind) {
      case Kind::integer:
        return whole();
      case Kind::integers:
        return list(whole);
      case Kind::real:
        return real();
      case Kind::reals:
        return list(real);
      case Kind::choice: {
        std::string chosen = pick(option.choices);
        const std::size_t number = chosen.find_first_of(":[");
        return number == chosen.npos ? chosen : chosen.substr(0, number) + (below(3) > 0 ? ":" + whole() : "");
      }
      case Kind::path:
        return pick(below(3) > 0 ? kNew : kData);
      case Kind::text:
      case Kind::flag:
        break;
    }
    return pick(kData);
  }

  static inline const std::vector<std::string> kModels{"run", "run/model.safetensors", "cut.safetensors", "empty"};
  static inline const std::vector<std::string> kData{"points.csv",  "points.npy", "picture.pgm", "moons",  "8gaussians",
                                                     "recipe.toml", "run",        "text.csv",    "absent", "-"};
  static inline const std::vector<std::string> kNew{"new",   "new.npy",     "new.csv", "new.png",
                                                    "empty", "a/b/new.csv", "-"};
  static inline const std::vector<std::string> kStrange{"",
                                                        "-",
                                                        "--",
                                                        "-1",
                                                        "0",
                                                        "nan",
                                                        "inf",
                                                        "1e400",
                                                        "99999999999999999999",
                                                        "\n",
                                                        "\xff",
                                                        "1,,2",
                                                        "0x10",
                                                        ",",
                                                        ":",
                                                        "exact:0",
                                                        "\xe2\x80\x93lr",
                                                        "..",
                                                        "x\x1b[31m",
                                                        "1 2",
                                                        "points.csv",
                                                        "/dev/null",
                                                        "help",
                                                        "rk4:0",
                                                        "--help",
                                                        "-h",
                                                        "../../etc",
                                                        "a=b",
                                                        "1,2,3"};

  std::uint64_t i_;
  std::uint32_t next_ = 0;
};

/// Everything that could be seen of a folder's files.
std::string seen(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    files[entry.path().native()] = std::to_string(entry.last_write_time().time_since_epoch().count()) +
                                   (entry.is_regular_file() ? contents(entry.path()) : std::string());
  std::string all;
  for (const auto& [name, content] : files) all += name + '\0' + content + '\0';
  return all;
}

int answer(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"cnf"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return run_program(kVerbs, static_cast<int>(argv.size()), argv.data());
}

/// What the parent knows of a batch, however it ends.
struct Shared {
  std::uint64_t at;
  std::array<std::uint64_t, 6> codes;
};

[[noreturn]] void run_batch(std::uint64_t first, std::uint64_t last, Shared& shared) {
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO}) ::dup2(null, fd);
  const int errors = ::dup(STDERR_FILENO);
  ::dup2(null, STDERR_FILENO);
  NoOps ops;
  replace_file_ops(&ops);
  for (shared.at = first; shared.at < last; ++shared.at) {
    ::alarm(20);
    const int code = answer(Line(shared.at).words());
    // Exit code 4 is an output that is in the way.
    if (code != 0 && (code < 2 || code > 4)) {
      ::dprintf(errors, "exit code %d\n", code);
      ::_exit(101);
    }
    ++shared.codes[static_cast<std::size_t>(code)];
  }
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  const std::uint64_t count = number(1, 10000), first = number(2, 0);
  const TemporaryFolder folder;
  std::filesystem::copy(CNF_GOLDEN "/cut", folder / "run");
  std::filesystem::copy_file(CNF_GOLDEN "/plane.safetensors", folder / "plane.safetensors");
  std::filesystem::copy_file(CNF_GOLDEN "/plane_points.npy", folder / "points.npy");
  std::filesystem::create_directory(folder / "empty");
  put(folder / "cut.safetensors", contents(folder / "plane.safetensors").substr(0, 3000));
  put(folder / "points.csv", "x,y\n1,2\n3,4\n");
  put(folder / "text.csv", "a,b\nc,d\n");
  put(folder / "picture.pgm", "P2 2 1 3 1 2");
  put(folder / "recipe.toml", "data = \"moons\"\nlr = 0.1\n");
  std::filesystem::current_path(folder.path());
  const std::string before = seen(folder.path());

  auto* shared =
      static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (std::uint64_t begin = first; begin < first + count; begin += kBatch) {
    const pid_t child = ::fork();
    if (child == 0) run_batch(begin, std::min(begin + kBatch, first + count), *shared);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status == 0 && seen(folder.path()) == before) continue;
    std::fprintf(stderr, "%s; command line %llu:", status == 0 ? "a file was touched before this" : "ended",
                 static_cast<unsigned long long>(shared->at));
    for (const std::string& word : Line(shared->at).words()) std::fprintf(stderr, " '%s'", one_line(word).c_str());
    std::fprintf(stderr, "\n");
    return 1;
  }
  std::printf("%llu command lines:", static_cast<unsigned long long>(count));
  for (const int code : {0, 2, 3, 4})
    std::printf(" exit %d %llu%s", code, static_cast<unsigned long long>(shared->codes[static_cast<std::size_t>(code)]),
                code < 4 ? "," : "\n");
}
