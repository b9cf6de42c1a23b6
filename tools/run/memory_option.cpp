#include "tools/run/memory_option.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "base/tiles.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"

namespace cnf {

Option memory_option() {
  return {
      .name = "memory",
      .value = "BYTES",
      .kind = Kind::text,
      .help =
          "What gradients may keep of their solves, all threads together: 64MB, 1GiB. The discrete one computes the "
          "rest again, to the same bits. Not given: 256 MiB a thread.",
      .group = "Training"};
}

std::size_t parse_bytes(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, double>, 12> kUnits{{{"", 1},
                                                                        {"B", 1},
                                                                        {"k", 1e3},
                                                                        {"kB", 1e3},
                                                                        {"KB", 1e3},
                                                                        {"M", 1e6},
                                                                        {"MB", 1e6},
                                                                        {"G", 1e9},
                                                                        {"GB", 1e9},
                                                                        {"KiB", 0x1p10},
                                                                        {"MiB", 0x1p20},
                                                                        {"GiB", 0x1p30}}};
  double number = 0;
  const char* const last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
  if (end != last && *end == ' ') ++end;
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  for (const auto& [name, bytes] : kUnits)
    if (error == std::errc{} && unit == name && number * bytes >= 1 && number * bytes <= 0x1p50)
      return static_cast<std::size_t>(number * bytes);
  throw UsageError("--memory: " + in_quotes(text) +
                       " is no size, expected bytes, or a number with kB, MB, GB, KiB, MiB "
                       "or GiB",
                   "for example: --memory 64MB");
}

template <class T>
void share_memory(FlowTrainOptions& options, const Args& args, const Cnf& model) {
  FlowOptions* const flow = options.objective.flow();
  if (flow == nullptr || !args.given("memory")) return;
  const Index rows = std::min<Index>(tile_rows(model), options.batch), tiles = (options.batch + rows - 1) / rows;
  const Index workers = options.objective.threads > 0 ? options.objective.threads : available_threads();
  const Index shares = flow->gradient == GradientMode::interpolated ? tiles : std::min(tiles, workers);
  flow->memory = parse_bytes(args.text("memory")) / static_cast<std::size_t>(shares);
  const bool planned = flow->gradient == GradientMode::discrete || flow->gradient == GradientMode::reversible;
  if (!planned) return;
  try {
    const MemoryPlan plan = plan_memory<T>(model, *flow, rows).front();
    if (!args.flag("quiet")) write_stderr("cnf train: of each solve its gradient keeps " + plan.text() + '\n');
  } catch (const std::invalid_argument& error) {
    throw UsageError("--memory " + args.text("memory") + ": of a worker's share: " + error.what());
  }
}

template void share_memory<float>(FlowTrainOptions&, const Args&, const Cnf&);
template void share_memory<double>(FlowTrainOptions&, const Args&, const Cnf&);

}  // namespace cnf
