// The targets without libFuzzer: each file of the folders named is an input, and so is what chance makes of it.
// usage: fuzz_TARGET [-runs=N] FOLDER...    N: mutants in all; they depend on N and the files alone
#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "tests/fuzz/target.hpp"

using namespace std::literals;

namespace {

using Input = std::vector<std::uint8_t>;

/// Draws number 0, 1, 2, ... of mutant m.
class Chance {
 public:
  explicit Chance(std::uint64_t m) : m_(m) {}
  std::size_t below(std::size_t n) {
    return cnf::uniform_index({1}, cnf::Purpose::data, 0, m_, next_++, static_cast<std::uint32_t>(n));
  }

 private:
  std::uint64_t m_;
  std::uint32_t next_ = 0;
};

/// A few changes to one of the inputs: bits, bytes that readers look for, pieces cut out, doubled or from another.
Input mutant(const std::vector<Input>& inputs, std::uint64_t m) {
  constexpr std::string_view kTelling = "\0\xff\x7f\x80 \t\n\r\"'-+.,:;{}[]()#\\09e"sv;
  Chance chance(m);
  Input out = inputs[chance.below(inputs.size())];
  for (std::size_t change = chance.below(6) + 1; change > 0; --change) {
    const std::size_t at = chance.below(out.size() + 1), length = chance.below(chance.below(64) + 1) + 1;
    const auto place = out.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = place + static_cast<std::ptrdiff_t>(std::min(length, out.size() - at));
    switch (chance.below(6)) {
      case 0:
        if (place != out.end()) *place ^= static_cast<std::uint8_t>(1U << chance.below(8));
        break;
      case 1:
        if (place != out.end()) *place = static_cast<std::uint8_t>(kTelling[chance.below(kTelling.size())]);
        break;
      case 2:
        out.insert(place, static_cast<std::uint8_t>(kTelling[chance.below(kTelling.size())]));
        break;
      case 3:
        out.erase(place, chance.below(8) == 0 ? out.end() : end);
        break;
      case 4: {
        const Input piece(place, end);
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(chance.below(out.size() + 1)), piece.begin(), piece.end());
        break;
      }
      default: {
        const Input& other = inputs[chance.below(inputs.size())];
        const std::size_t from = chance.below(other.size() + 1), n = std::min(length, other.size() - from);
        const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
        out.insert(place, begin, begin + static_cast<std::ptrdiff_t>(n));
      }
    }
  }
  return out;
}

std::string running;  ///< the input's name

/// Whatever ends the program, the input it was at is said.
void say_running() {
  (void)!::write(STDERR_FILENO, running.data(), running.size());
  (void)!::write(STDERR_FILENO, ": not refused, not read\n", 24);
}
void end_by_signal(int signal) {
  say_running();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Runs one input from a block of its own size, so that a sanitizer sees a read beyond it.
void run(const Input& input, std::string name) {
  running = std::move(name);
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[input.size()]);
  std::copy(input.begin(), input.end(), exact.get());
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

}  // namespace

// The sanitizers call these before they end the program.
extern "C" void __asan_on_error() { say_running(); }
extern "C" void __ubsan_on_report() { say_running(); }

int main(int argc, char** argv) {
  std::signal(SIGABRT, end_by_signal);
  std::signal(SIGSEGV, end_by_signal);
  std::uint64_t runs = 0;
  std::vector<std::filesystem::path> files;
  for (const std::string_view word : std::span(argv + 1, argv + argc)) {
    if (word.starts_with("-runs="))
      std::from_chars(word.data() + 6, word.data() + word.size(), runs);
    else
      for (const auto& entry : std::filesystem::directory_iterator(word)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> inputs;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run(inputs.back(), path.native());
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "no inputs\n");
    return 2;
  }
  for (std::uint64_t m = 0; m < runs; ++m) run(mutant(inputs, m), "mutant " + std::to_string(m));
  std::printf("%zu inputs, %llu mutants\n", inputs.size(), static_cast<unsigned long long>(runs));
}
