#include "tools/run/gradient_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "base/number_text.hpp"
#include "base/tiles.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/run/setting_options.hpp"

namespace cnf {

Option memory_option(const std::string& group, const std::string& help) {
  return {.name = "memory", .value = "BYTES", .kind = Kind::text, .help = help, .group = group};
}

std::vector<Option> gradient_options() {
  return {
      memory_option(kTrainingGroup,
                    "What gradients may keep of their solves, all threads together: 64MB, 1GiB. It is taken at once, "
                    "and what it cannot hold is computed again, to the same bits. Not given: as much as is used, up "
                    "to 256 MiB a thread."),
      {.name = "adjoint-rtol",
       .value = "X",
       .kind = Kind::real,
       .range = Range::open(0, 1),
       .help = "Tolerance, relative and absolute, of the solves of the continuous and the interpolated gradient. Not "
               "given: as of the flow's.",
       .group = kTrainingGroup},
      {.name = "adjoint-norm",
       .value = "NAME",
       .kind = Kind::choice,
       .choices = {"seminorm", "full"},
       .help = "Whose errors decide the continuous gradient's steps: those of z and a alone, or of the parameters' "
               "gradient too. Not given: seminorm.",
       .group = kTrainingGroup}};
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

void check_method(const Args& args, GradientMode gradient) {
  const std::string why = why_not(gradient, parse_method(args.choice("solver").spelled()).method);
  if (!why.empty()) throw UsageError("--gradient " + std::string(name(gradient)) + ": " + why);
}

void check_gradient_options(const Args& args, GradientMode gradient) {
  check_method(args, gradient);
  const std::string mode(name(gradient));
  const bool solves = gradient == GradientMode::continuous || gradient == GradientMode::interpolated;
  for (const char* of_adjoint : {"adjoint-rtol", "adjoint-norm"})
    if (args.given(of_adjoint) && !solves)
      throw UsageError("--" + std::string(of_adjoint) + " says how the adjoint equation is solved, and --gradient " +
                       mode + " solves none");
  if (args.given("adjoint-norm") && gradient == GradientMode::interpolated)
    throw UsageError(
        "--adjoint-norm says nothing to --gradient interpolated, whose steps are always z's adjoint's alone");
  if (!args.given("memory")) return;
  parse_bytes(args.text("memory"));
  if (gradient == GradientMode::continuous)
    throw UsageError("--memory says nothing to --gradient continuous, which keeps the end of a solve alone");
}

void tell_adjoint(FlowOptions& flow, const Args& args) {
  flow.adjoint = flow.solve;
  flow.adjoint.control_s = args.given("adjoint-norm") && args.text("adjoint-norm") == "full";
  if (args.given("adjoint-rtol")) flow.adjoint.rtol = flow.adjoint.atol = args.real("adjoint-rtol");
  // The adjoint equation's Jacobian holds second derivatives, which no field has: its solve is explicit.
  if (flow.adjoint.method.needs_jvp()) flow.adjoint.method = &kDopri5;
}

template <class T>
std::string share_memory(FlowTrainOptions& options, const Args& args, const Cnf& model) {
  FlowOptions* const flow = options.objective.flow();
  if (flow == nullptr || !args.given("memory")) return "";
  const Index rows = std::min<Index>(tile_rows(model), options.batch), tiles = (options.batch + rows - 1) / rows;
  const Index workers = options.objective.threads > 0 ? options.objective.threads : available_threads();
  const bool tracked = flow->gradient == GradientMode::interpolated;
  flow->memory =
      parse_bytes(args.text("memory")) / static_cast<std::size_t>(tracked ? tiles : std::min(tiles, workers));
  flow->reserve = !tracked;
  options.objective.minimise.share_flow();
  std::string kept = "its path, up to " + size_text(flow->memory);
  try {
    if (!tracked) kept = plan_memory<T>(model, *flow, rows).front().text();
  } catch (const std::invalid_argument& error) {
    throw UsageError("--memory " + args.text("memory") + ": of a worker's share: " + error.what());
  }
  if (!args.flag("quiet")) write_stderr("cnf train: of each solve its gradient keeps " + kept + '\n');
  return kept;
}

template std::string share_memory<float>(FlowTrainOptions&, const Args&, const Cnf&);
template std::string share_memory<double>(FlowTrainOptions&, const Args&, const Cnf&);

}  // namespace cnf
