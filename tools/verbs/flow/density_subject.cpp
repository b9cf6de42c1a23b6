#include "tools/verbs/flow/density_subject.hpp"

#include "tools/cli/exit_code.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/verbs/flow/density_corner.hpp"
#include "tools/verbs/flow/density_over.hpp"

namespace cnf {
namespace {

void refuse(const Args& args, const std::vector<std::string>& options, const std::string& kind,
            const std::string& help = "") {
  for (const std::string& option : options)
    if (args.given(option)) throw UsageError("--" + option + " means nothing to " + kind, help);
}

}  // namespace

std::vector<std::string> Subject::columns() const {
  const std::vector<std::string>& all = model().columns;
  if (!slice) return all;
  return {all.at(static_cast<std::size_t>(slice->x)), all.at(static_cast<std::size_t>(slice->y))};
}

Subject open_subject(const Args& args) {
  Subject subject{open_model(args.path("model"))};
  const std::vector<std::string>& columns = subject.model().columns;
  subject.slice = slice_from(args, columns);
  if (subject.curve()) {
    const std::string kind = "the curve of a model of one column";
    refuse(args, {"panels", "samples", "columns", "contours", "no-heatmap"}, kind);
    refuse(args, {"colormap", "scale", "clip", "log", "aspect"}, kind);
  } else if (!subject.plane()) {
    const std::string kind = "the corner picture of a model of " + std::to_string(columns.size()) + " columns";
    const std::string help = "--slice COL=VALUE,... draws the exact density in the plane of two of them";
    refuse(args, {"grid", "grid-size", "range", "panels", "no-heatmap"}, kind, help);
    refuse(args, {"colormap", "scale", "clip", "log", "aspect"}, kind, help);
    corner_columns(args, columns);
  } else if (subject.slice) {
    refuse(args, {"panels", "samples", "columns"}, "a slice");
  } else {
    refuse(args, {"columns"}, "a model of two columns", "--columns chooses those of a corner picture");
  }
  const std::size_t sides = subject.curve() ? 1 : 2;
  if (args.given("grid-size") && args.list("grid-size").size() != sides)
    throw UsageError("--grid-size: " + std::to_string(args.list("grid-size").size()) + " numbers, expected " +
                     (sides == 1 ? "1 of a model of one column: NX" : "2: NX,NY"));
  subject.points = open_points(args, subject.model());
  return subject;
}

RowsBeside rows_beside(const Subject& subject, Seed seed, const std::string& verb) {
  if (subject.points) {
    Batch rows = read_points(*subject.points, verb);
    const std::string name = std::to_string(rows.cols()) + " rows of " + subject.points->source();
    return {std::move(rows), name};
  }
  std::optional<SplitRows> split = subject.opened.split();
  return rows_beside(known_density(subject.opened).get(), split ? split->train : Batch(), seed);
}

RowsBeside rows_beside(const Density* density, const Batch& train, Seed seed) {
  constexpr Index kDraws = 50'000, kMostRows = 200'000;
  if (density != nullptr)
    return {density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kDraws),
            "data, " + std::to_string(kDraws) + " draws"};
  if (train.cols() == 0) return {};
  const Index every = (train.cols() + kMostRows - 1) / kMostRows, shown = (train.cols() + every - 1) / every;
  const std::string of = every > 1 ? std::to_string(shown) + " of " : "";
  return {train(Eigen::all, Eigen::seqN(0, shown, every)),
          "data, " + of + std::to_string(train.cols()) + " training rows"};
}

}  // namespace cnf
