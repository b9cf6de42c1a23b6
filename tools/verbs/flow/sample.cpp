// cnf sample: draws from a model. Draw i is the same however many are asked for, and in whatever pieces.
#include <algorithm>

#include "base/utf8.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/row_output.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/failures.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

int run_sample(const Args& args, const ModelArgument& opened) {
  const Cnf& model = opened.file.model;
  const bool with_log_prob = args.flag("with-logprob");
  const std::uint64_t first = static_cast<std::uint64_t>(args.integer("first"));
  const Index N = args.integer("num"), D = model.dim();
  const Seed seed = seed_from(args);

  std::vector<std::string> columns = model.columns;
  if (with_log_prob) columns.push_back("log_prob");
  const std::shared_ptr<const Energy> energy = args.flag("with-weight") ? known_energy(opened) : nullptr;
  if (energy) columns.push_back("log_weight");
  RowOutput out(args, columns, N);
  Progress progress(row_progress(args), "sample", N);
  Index seen = 0;  // of whole tiles, more than are asked for
  const auto count_samples = [&](Index n) { progress.update(std::min(seen += n, N)); };
  Evaluator evaluator(model, choose_evaluation(args, opened, Way::to_data, count_samples, Default::few_steps).options);
  warn_of_tolerance(args);
  Failures failures(args);
  Index done = 0;
  const auto draw = [&] {
    const std::uint64_t at = first + static_cast<std::uint64_t>(done);
    // Blocks begin at whole tiles, so that none is solved twice.
    const Index n =
        std::min(N - done, block_rows(D) - static_cast<Index>(at % static_cast<std::uint64_t>(tile_rows(model))));
    const Evaluated drawn = evaluator.sample(seed, at, n, with_log_prob || energy);
    failures.add(drawn.failures, at);
    Batch all(std::ssize(columns), n);
    all.topRows(D) = drawn.points;
    if (with_log_prob) all.row(D) = drawn.log_prob.transpose();
    if (energy)
      all.bottomRows(1) =
          (energy->log_prob(drawn.points).array() + energy->log_z()).matrix().transpose() - drawn.log_prob.transpose();
    out.write(all);
    done += n;
    stop_if_asked(interrupt_flag());
  };
  try {
    progress.update(0);
    while (done < N) draw();
  } catch (const Stopped&) {
    throw Interrupted("stopped after " + std::to_string(done) + " samples; no file is left");
  }
  progress.finish();
  out.finish();
  failures.say();
  return 0;
}

ModelArgument weighted_model(const Args& args) {
  ModelArgument opened = open_model(args.path("model"));
  if (args.flag("with-weight") && !known_energy(opened))
    throw UsageError("--with-weight: " + printable(opened.path.native()) +
                     " was not trained towards an energy, so its draws have no weights");
  return opened;
}

}  // namespace

Verb sample_verb() {
  return {.name = "sample",
          .summary = "Draw samples from a model",
          .examples = {"cnf sample runs/8g -N 100000 -o points.npy", "cnf sample runs/8g -N 10 --with-logprob",
                       "cnf sample runs/8g -N 1000 --first 1000 --seed 7 -o more.csv",
                       "cnf sample runs/modes --with-logprob --with-weight"},
          .positionals = {model_argument()},
          .options = joined({draw_options(),
                             {{.name = "with-logprob", .help = "Add the column log_prob, nats in the data's units."},
                              {.name = "with-weight",
                               .help = "Of a run by --energy: add the column log_weight, -U - log p, of the draws' "
                                       "importance."}},
                             row_output_options(),
                             evaluation_options(),
                             {accuracy_option()},
                             {on_error_option()},
                             without(common_options(), {"json"})}),
          .prepare = [](const Args& args) -> Work {
            check_row_output(args);
            check_accuracy(args);
            return [&args, opened = weighted_model(args)] { return run_sample(args, opened); };
          }};
}

}  // namespace cnf
