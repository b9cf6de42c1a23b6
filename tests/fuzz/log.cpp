// The logs of a run that goes on, metrics.csv and timing.csv: "STEP LINES" on a line of its own, then the log.
#include <algorithm>
#include <charconv>

#include "tests/fuzz/target.hpp"
#include "tools/run/run_log.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::string_view kJudged[] = {"validation_nll", "validation_nll_stderr", "kl"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  std::int64_t step = 0, lines = 0;
  const char* rest = std::from_chars(first.data(), first.data() + first.size(), step).ptr;
  if (rest != first.data() + first.size()) std::from_chars(rest + 1, first.data() + first.size(), lines);
  step = std::max(step, std::int64_t{1}), lines = std::max(lines, std::int64_t{0});
  const std::string_view log = text.substr(std::min(size, first.size() + 1));
  for (const std::string& header : {metrics_header(kJudged), std::string("step,seconds\n")})
    fuzz::accepts([&] {
      const std::string kept = kept_lines(log, "input", step, header, lines);
      fuzz::require(kept.starts_with(header) && kept.ends_with('\n'), "a log is kept by whole lines");
      fuzz::require(std::ranges::count(kept, '\n') >= lines + 1, "no line that was written is lost");
      fuzz::require(log.starts_with(kept), "nothing is added to a log that is kept");
      fuzz::require(kept_lines(kept, "kept", step, header, lines) == kept, "a log that is kept is read again");
    });
  return 0;
}
