// Which rows are for what.
//   judged by   the test share of --data where it is split; else all of --data; else the runs' test rows; else fresh
//               draws of what all were trained on. Of rows, those that a run has seen are left out later.
//   fitted to   the training share of --data where it is split; else the runs' training rows; else draws of the
//               density.
//   split       --data is a table, and --valid or --test was given, or a simple density finds no run's rows to be
//               fitted to. It is split as `cnf train` with the same --seed, --valid and --test would.
#include "tools/verbs/flow/compared_models.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/split.hpp"
#include "datasets/picture.hpp"
#include "datasets/split.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/suggest.hpp"
#include "tools/rows/rehearsal.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/rows_for_model.hpp"
#include "tools/rows/table_warnings.hpp"
#include "tools/run/evaluation_arguments.hpp"
#include "tools/run/recipe.hpp"

namespace cnf {

namespace {

Candidate find_candidate(const std::string& word) {
  for (const BaselineKind kind : kAllBaselines)
    if (word == name(kind)) return {word, std::nullopt, kind};
  std::error_code error;
  if (!std::filesystem::exists(word, error)) {
    std::vector<std::string> words;
    for (const BaselineKind kind : kAllBaselines) words.emplace_back(name(kind));
    throw InputError(in_quotes(word) + " is neither a run, nor a model, nor gaussian, mixture or kde",
                     did_you_mean(word, words));
  }
  return {one_line(word), open_model(word), {}};
}

void expect_same_columns(const Candidate& first, const Candidate& other) {
  const Cnf &a = first.model->file.model, &b = other.model->file.model;
  const auto are_names = [](const Cnf& model) { return model.columns != numbered_columns(model.dim()); };
  const bool named = are_names(a) && are_names(b);
  if (a.dim() == b.dim() && (!named || a.columns == b.columns)) return;
  const auto said = [](const Candidate& of, const Cnf& model) {
    return of.name + " is a density of " + listed_columns(model.columns);
  };
  throw InputError(said(first, a) + ", " + said(other, b) + "; expected models of the same columns, in one order");
}

/// Takes the run's rows if they are the first, else their digests alone; whether they are.
bool add_rows(RunRows& runs, const Candidate& candidate) {
  const ModelArgument& model = *candidate.model;
  std::optional<SplitRows> rows = model.split();
  if (!rows && recipe_data(model.file.recipe, model.path.string()).kind == DataKind::table)
    runs.unknown.push_back(candidate.name);
  if (!rows) return false;
  for (const Batch* part : {&rows->train, &rows->validation}) {
    const std::vector<std::uint64_t> digests = row_digests(*part);
    runs.known.insert(runs.known.end(), digests.begin(), digests.end());
  }
  if (!runs.rows) {
    runs.of = candidate.name;
    runs.rows = std::move(rows);
    return true;
  }
  const auto same = [](const Batch& a, const Batch& b) { return a.cols() == b.cols() && a == b; };
  if (!same(rows->train, runs.rows->train) || !same(rows->validation, runs.rows->validation) ||
      !same(rows->test, runs.rows->test))
    runs.other = candidate.name;
  return false;
}

/// UsageError, InputError: what was typed leaves no rows, or none that are fair to all.
void check_rows(const Args& args, const Contest& contest) {
  const RunRows& runs = contest.runs;
  const std::string both = runs.of + " and " + runs.other + " were not trained, chosen and tested on the same rows";
  if (args.given("valid") || args.given("test"))
    if (!contest.data || !contest.data->table())
      throw UsageError("--valid and --test are shares of a table; --data names it");
  if (args.real("valid") + args.real("test") >= 1)
    throw UsageError("--valid and --test leave no row to fit to: they are shares, and add up to 1 or more");
  if (!contest.data && !runs.other.empty())
    throw InputError(both, "--data FILE judges them by rows that neither was trained on or chosen by");
  if (!contest.splits_file && !runs.other.empty() && !contest.baselines().empty())
    throw InputError(both + ", so that there are none to fit " + std::string(name(contest.baselines().front())) +
                         " to that are fair to both",
                     contest.data->table() ? "--test 0.1 fits it to a part of --data and judges by another; or train "
                                             "both on one split"
                                           : "train both on one split");
}

void say_unknown(const Args& args, const Contest& contest) {
  if (contest.data && !contest.data->table()) return;
  for (const std::string& name : contest.runs.unknown)
    write_stderr("cnf " + args.verb() + ": warning: the rows that " + name +
                 " was trained on are not known without its run folder; where they are among those judged by, its NLL "
                 "flatters it\n");
}

/// What all were trained on, if that is one density.
std::shared_ptr<const Density> common_density(const Contest& contest) {
  std::shared_ptr<const Density> common;
  std::string name;
  std::vector<std::byte> bytes;
  for (const Candidate& candidate : contest.candidates) {
    if (!candidate.model) continue;
    const ModelArgument& model = *candidate.model;
    std::shared_ptr<const Density> density = known_density(model);
    if (!density) return nullptr;
    const bool picture = recipe_data(model.file.recipe, model.path.string()).kind == DataKind::picture;
    std::vector<std::byte> source;
    if (picture) source = picture_bytes(model.run->source());
    if (common && (data_name(model.file) != name || source != bytes)) return nullptr;
    if (!common) common = std::move(density), name = data_name(model.file), bytes = std::move(source);
  }
  return common;
}

void use_density(const Args& args, const Contest& contest, Points& points) {
  for (const Candidate& candidate : contest.candidates)
    if (candidate.model) expect_dimensions(candidate.model->file.model, *points.density);
  points.limit = args.integer("num");
}

std::unique_ptr<RowReader> open_contest_rows(const Args& args, const Contest& contest) {
  const Cnf* model = contest.model();
  return model != nullptr ? open_data_rows(args.text("data"), *model, row_options(args))
                          : open_rows(args.text("data"), row_options(args));
}

void split_file(const Args& args, const Contest& contest, HeldOut& held) {
  const std::unique_ptr<RowReader> reader = open_contest_rows(args, contest);
  const Table table = read_table(*reader);
  say_notes(args.verb(), table.source, table.notes);
  if (table.left_out.all() > 0)
    write_stderr("cnf " + args.verb() + ": " + table.source + ": " + table.left_out.text() + " left out\n");
  const double valid = args.real("valid"), test = args.real("test");
  const Index n = table.values.cols();
  const Split split = split_rows(n, {1 - valid - test, valid, test}, seed_from(args));
  if (split.test.size() < 2 || split.train.size() < 2)
    throw InputError(table.source + ": " + std::to_string(n) + " rows, of which " + std::to_string(split.train.size()) +
                     " would be fitted to and " + std::to_string(split.test.size()) +
                     " judged by; 2 or more are needed");
  held.points.rows = take(table.values, split.test);
  if (contest.baselines().empty()) return;
  held.fit = {take(table.values, split.train), take(table.values, split.validation)};
  fit_standardisation(held.fit.train, table.columns, table.source);  // which names what cannot be fitted to
  held.said = std::to_string(split.train.size()) + " other rows of " + one_line(table.source);
}

}  // namespace

const Cnf* Contest::model() const {
  const Cnf* found = nullptr;
  for (const Candidate& candidate : candidates)
    if (candidate.model && (found == nullptr || (!has_own_names(*found) && has_own_names(candidate.model->file.model))))
      found = &candidate.model->file.model;
  return found;
}

std::vector<BaselineKind> Contest::baselines() const {
  std::vector<BaselineKind> kinds;
  for (const Candidate& candidate : candidates)
    if (!candidate.model) kinds.push_back(candidate.baseline);
  return kinds;
}

Contest open_contest(const Args& args) {
  Contest contest;
  for (const std::string& word : args.texts("model")) contest.candidates.push_back(find_candidate(word));
  for (const Candidate& candidate : contest.candidates) {
    if (!candidate.model) continue;
    for (const Candidate& other : contest.candidates)
      if (other.model) expect_same_columns(candidate, other);
    const bool first = add_rows(contest.runs, candidate);
    if (first || contest.name.empty()) contest.name = data_name(candidate.model->file);
  }
  const std::vector<BaselineKind> kinds = contest.baselines();
  for (const BaselineKind kind : kinds)
    if (std::count(kinds.begin(), kinds.end(), kind) > 1)
      throw UsageError(in_quotes(name(kind)) + " stands there twice");
  std::sort(contest.runs.known.begin(), contest.runs.known.end());
  if (args.given("data")) contest.data = find_data(args.text("data"), args.flag("invert"));
  const bool table = contest.data && contest.data->table();
  contest.splits_file = table && (args.given("valid") || args.given("test") || (!kinds.empty() && !contest.runs.rows));
  if (!contest.data && !contest.runs.rows && !common_density(contest))
    throw UsageError("the models bring no data to compare them on; --data says on what",
                     "FILE.csv, FILE.npy, or a built-in set (cnf data --list)");
  check_rows(args, contest);
  if (table && args.flag("dry-run")) rehearse_rows(args, *open_contest_rows(args, contest));
  say_unknown(args, contest);
  return contest;
}

HeldOut held_out(const Args& args, Contest& contest) {
  HeldOut held;
  Points& points = held.points;
  const bool draws = contest.data ? !contest.data->table() : !contest.runs.rows;
  points.name = contest.data ? contest.data->name : contest.name;
  if (draws) {
    points.density = contest.data ? contest.data->density : common_density(contest);
    use_density(args, contest, points);
  } else if (contest.splits_file) {
    split_file(args, contest, held);
  } else if (contest.data) {
    points.reader = open_contest_rows(args, contest);
  } else {
    points.rows = std::move(contest.runs.rows->test);
  }
  if (!draws && args.given("num")) points.limit = args.integer("num");
  if (contest.baselines().empty() || contest.splits_file) return held;
  if (contest.runs.rows) {
    held.fit = {std::move(contest.runs.rows->train), std::move(contest.runs.rows->validation)};
    held.said = std::to_string(held.fit.train.cols()) + " rows that " + contest.runs.of + " was trained on";
  } else {
    held.fit = rows_to_fit(*points.density, seed_from(args));
    held.said = std::to_string(held.fit.train.cols()) + " other draws";
  }
  return held;
}

}  // namespace cnf
