#include "tools/verbs/flow/baseline_fits.hpp"

#include <limits>

#include "base/tiles.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/run/evaluation_arguments.hpp"

namespace cnf {

FitRows rows_to_fit(const Density& density, Seed seed) {
  constexpr Index kDraws = 20'000;
  Batch train = density.sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::data), 0, kDraws);
  const Index D = train.rows();
  return {std::move(train), Batch(D, 0)};
}

std::vector<Baseline> fit_baselines(const Args& args, const FitRows& rows, std::vector<BaselineKind> kinds) {
  Progress progress(Progress::mode(args.text("progress"), args.flag("quiet")), "baseline", 0);
  BaselineOptions options;
  options.kinds = std::move(kinds);
  options.stop = interrupt_flag();
  options.progress = [&](int done) { progress.update(done, {}, std::numeric_limits<double>::quiet_NaN()); };
  return fit_baselines(rows.train, rows.validation, seed_from(args), options);
}

Vector<double> log_prob_of(const Args& args, const Baseline& baseline, const Batch& x) {
  const int threads = threads_from(args);
  return baseline.log_prob(x, threads > 0 ? threads : available_threads(), interrupt_flag());
}

int complexity(BaselineKind kind) { return static_cast<int>(kind); }

std::string called(BaselineKind kind) {
  switch (kind) {
    case BaselineKind::gaussian:
      return "the Gaussian";
    case BaselineKind::mixture:
      return "the mixture";
    case BaselineKind::kde:
      break;
  }
  return "the kernel estimate";
}

}  // namespace cnf
