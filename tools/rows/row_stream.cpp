#include "tools/rows/row_stream.hpp"

#include "base/error.hpp"
#include "datasets/table_kind.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/progress.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/rehearsal.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/row_output.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/model_argument.hpp"

namespace cnf {

std::vector<Option> row_stream_options(const std::string& data_help) {
  return joined(
      {{{.name = "data", .value = "FILE", .kind = Kind::path, .help = data_help, .group = "Data", .required = true}},
       without(table_options(), {"invert"}),
       row_output_options(),
       evaluation_options(),
       {on_error_option("stop", true)},
       without(common_options(), {"json"})});
}

namespace {

/// Output row i is input row i.
bool in_place(const Args& args) { return args.text("on-error") == "nan"; }

std::unique_ptr<RowReader> opened_rows(const Args& args, const Cnf& model, const RowStream& stream) {
  RowOptions options = row_options(args);
  options.stop = interrupt_flag();
  if (in_place(args)) options.drop_invalid = options.keep_places = true;
  const EndAtOnce nothing_is_written_yet;
  return stream.open(args.text("data"), model, options);
}

int run(const Args& args, const ModelArgument& opened, const RowStream& stream) {
  const Cnf& model = opened.file.model;
  const std::unique_ptr<RowReader> rows = opened_rows(args, model, stream);
  say_notes(args.verb(), *rows);
  const bool all_come = in_place(args) || !row_options(args).may_leave_out();
  const std::optional<Index> count = all_come ? rows->rows() : std::nullopt;
  RowOutput out(args, stream.columns(model), count, stream.vector);
  Progress progress(row_progress(args), "row", count.value_or(0));
  std::int64_t seen = 0;
  const auto count_rows = [&](Index n) { progress.update(seen += n); };
  Evaluator evaluator(model, args.knows("accuracy")
                                 ? choose_evaluation(args, opened, Way::to_base, count_rows, Default::few_steps).options
                                 : evaluation_from(args, count_rows));
  warn_of_tolerance(args);
  Failures failures(args);
  std::uint64_t done = 0;
  try {
    progress.update(0);
    for (SampleBatch samples = next_block(*rows); samples.x.cols() > 0; samples = next_block(*rows)) {
      Evaluated block = stream.evaluate(evaluator, samples, done);
      failures.add(block.failures, *rows, [&](Index row) { return stream.far_out(model, samples.x, row); });
      out.write(stream.results(block));
      done += static_cast<std::uint64_t>(samples.x.cols());
      stop_if_asked(interrupt_flag());
      if (samples.x.cols() < block_rows(samples.x.rows())) break;
    }
  } catch (const Stopped&) {
    throw Interrupted("stopped after " + std::to_string(done) + " rows; no file is left");
  }
  progress.finish();
  const LeftOut& left_out = rows->ledger().left_out();
  if (done == 0) throw InputError(nothing_left(*rows));
  out.finish();
  say_notes(args.verb(), *rows);
  if (left_out.all() > 0) write_stderr("cnf " + args.verb() + ": " + said_of_left_out(*rows, in_place(args)) + "\n");
  failures.say();
  return 0;
}

}  // namespace

Work prepare_row_stream(const Args& args, const RowStream& stream) {
  check_row_output(args);
  row_options(args);
  if (args.knows("accuracy")) check_accuracy(args);
  if (args.flag("drop-invalid") && args.text("on-error") == "nan")
    throw UsageError("--drop-invalid leaves rows out, --on-error=nan keeps their places; give one of them");
  ModelArgument opened = open_model(args.path("model"));
  std::error_code error;
  const std::string& data = args.text("data");
  if (data != "-" && !std::filesystem::exists(data, error)) throw InputError(one_line(data) + ": no such file");
  if (data != "-") table_kind(data);
  if (args.flag("dry-run")) rehearse_rows(args, *opened_rows(args, opened.file.model, stream));
  return [&args, opened = std::move(opened), stream] { return run(args, opened, stream); };
}

}  // namespace cnf
