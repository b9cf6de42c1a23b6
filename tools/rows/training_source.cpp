#include "tools/rows/training_source.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "datasets/inspect.hpp"
#include "datasets/sentinels.hpp"
#include "datasets/split.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/table_warnings.hpp"
#include "tools/run/evaluation_arguments.hpp"

namespace cnf {

namespace {

constexpr Index kStandardisationPoints = 50'000;
constexpr Index kMostTrained = 16384;  // columns: what standardises them is a matrix, here of 2 GiB

/// `--valid` and `--test`: a share of the rows, or a file of its own.
struct HeldOut {
  double share = 0;
  std::optional<Table> table;
};

HeldOut held_out(const Args& args, const std::string& name, const RowOptions& options) {
  const std::string& text = args.text(name);
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (!(share >= 0 && share < 1))
      throw UsageError("--" + name + ": " + text +
                       " is out of range, expected a share of the rows from 0 to below 1, or a file");
    return {share, std::nullopt};
  }
  return {0, read_table(text, options)};
}

void expect_columns(const Table& table, const Table& other, const std::string& what) {
  if (other.values.rows() != table.values.rows())
    throw InputError(other.source + ": " + std::to_string(other.values.rows()) + " columns, " + table.source + " has " +
                     std::to_string(table.values.rows()) + "; " + what + " must have the same");
}

/// Those columns of x, ascending, in x's own memory: the largest part of a table is not held twice.
Batch keep_columns(Batch x, const std::vector<Index>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (const auto to = static_cast<Index>(i); columns[i] != to) x.col(to) = x.col(columns[i]);
  x.conservativeResize(x.rows(), std::ssize(columns));
  return x;
}

void keep_coordinates(Batch& x, const std::vector<Index>& kept) { x = x(kept, Eigen::all).eval(); }

/// Leaves out the columns that do not vary in the rows trained on.
void drop_unvarying(TrainingSource& source, const std::string& name) {
  const std::vector<Index> still = unvarying_columns(source.rows.train);
  if (still.empty()) return;
  std::vector<Index> kept;
  std::vector<std::string> names, dropped;
  for (Index j = 0; j < std::ssize(source.columns); ++j) {
    const bool varies = !std::binary_search(still.begin(), still.end(), j);
    if (varies) kept.push_back(j);
    (varies ? names : dropped).push_back(source.columns[static_cast<std::size_t>(j)]);
  }
  if (kept.empty()) throw InputError(name + ": every column is constant in the rows trained on");
  write_stderr("cnf train: " + name + ": constant in the rows trained on and left out: " + listed_columns(dropped) +
               '\n');
  source.columns = std::move(names);
  for (Batch* rows : {&source.rows.train, &source.rows.validation, &source.rows.test}) keep_coordinates(*rows, kept);
}

/// By the training rows. `explained`: what has been warned of makes columns depend on each other by itself.
void standardise(TrainingSource& source, const std::string& name, bool explained, std::vector<std::string>& warnings) {
  const Batch& x = source.rows.train;
  try {
    source.standardisation = fit_standardisation(x, source.columns, name);
  } catch (const InputError& error) {
    if (unvarying_columns(x).empty()) throw;
    throw InputError(error.what(), "--drop-constant leaves out what does not vary");
  }
  if (x.cols() <= x.rows()) return warnings.push_back(transposed_warning(name, x.cols(), x.rows()));
  if (explained || x.rows() < 2 || !source.standardisation.scale.isDiagonal(0)) return;  // whatever their units
  const std::vector<Dependence> found = dependent_columns(x);
  warnings.push_back(found.empty()
                         ? name +
                               ": the columns are nearly affine functions of each other; the density is singular "
                               "there, and no NLL of it means much"
                         : dependence_warning(name, source.columns, found));
}

void say_read(const Args& args, const Table& table) {
  say_notes(args.verb(), table.source, table.notes);
  if (table.left_out.all() > 0)
    write_stderr("cnf train: " + table.source + ": " + table.left_out.text() + " left out\n");
}

/// Takes out the rows that only keep their places, NaN, and says by which numbers `split` knows the others then.
Split without_blanks(Table& table, const Split& split) {
  const Index n = table.values.cols();
  std::vector<Index> kept, rank(static_cast<std::size_t>(n), -1);
  for (Index i = 0; i < n; ++i)
    if (!std::isnan(table.values(0, i))) {
      rank[static_cast<std::size_t>(i)] = std::ssize(kept);
      kept.push_back(i);
    }
  const auto known = [&](const std::vector<Index>& rows) {
    std::vector<Index> now;
    for (const Index i : rows)
      if (const Index at = rank[static_cast<std::size_t>(i)]; at >= 0) now.push_back(at);
    return now;
  };
  std::vector<Table::Number> numbers;
  Index next = -1;
  for (Index k = 0; k < std::ssize(kept); ++k) {
    const Index number = table.number(kept[static_cast<std::size_t>(k)]);
    if (number != std::exchange(next, number + 1)) numbers.push_back({k, number});
  }
  table.numbers = std::move(numbers);
  table.values = keep_columns(std::move(table.values), kept);
  Split now{known(split.train), known(split.validation), known(split.test)};
  if (now.train.empty()) throw InputError(table.source + ": no row to train on is left: " + table.left_out.text());
  return now;
}

std::vector<std::string> sentinel_warnings(const Table& table, const std::vector<Sentinel>& marks) {
  std::vector<std::string> warnings = sentinel_lines(marks, table.columns, table.values.cols());
  for (std::string& line : warnings)
    line = table.source + ": " + line + ": if it marks a missing value, --missing " + line.substr(0, line.find(' ')) +
           " leaves such rows out";
  return warnings;
}

/// Whether what was found is such a mark, far out or repeated as it is.
bool is_mark(const Finding& found, const Batch& x, const std::vector<Sentinel>& marks) {
  if (found.kind != Oddity::far_rows && found.kind != Oddity::spike) return false;
  const double value = found.kind == Oddity::spike ? found.value : x(found.column, found.row);
  return std::any_of(marks.begin(), marks.end(),
                     [&](const Sentinel& mark) { return mark.column == found.column && mark.value == value; });
}

}  // namespace

TrainingSource table_source(const Args& args, Seed seed) {
  RowOptions options = row_options(args);
  if (options.columns.empty())
    for (const RowCondition& condition : options.where)  // a column that it makes constant has no density
      if (condition.fixes_value()) options.drop.push_back(condition.column);
  if (args.given("split")) {
    if (args.given("valid") || args.given("test"))
      throw UsageError("--split says which rows are for what; leave --valid and --test out");
    options.keep_places = true;  // it knows the file's rows, those left out among them
  }
  const std::unique_ptr<RowReader> reader = open_rows(args.text("data"), options);
  const Index columns = std::ssize(reader->columns());
  if (reader->rows()) refuse_transposed(reader->source(), *reader->rows(), columns);
  if (columns > kMostTrained)
    throw InputError(reader->source() + ": " + std::to_string(columns) + " columns, a flow is trained on at most " +
                         std::to_string(kMostTrained),
                     "--columns says which to take; rows are samples: is it transposed?");
  Table table = read_table(*reader);
  say_read(args, table);
  Split split;
  if (args.given("split")) split = without_blanks(table, read_split(args.path("split"), table.values.cols()));
  refuse_transposed(table.source, table.values.cols(), columns);
  const std::vector<Sentinel> marks = find_sentinels(table.values);
  std::vector<std::string> warnings = sentinel_warnings(table, marks);
  std::vector<Finding> findings = inspect(table.values);
  const bool explained = std::any_of(findings.begin(), findings.end(), [](const Finding& found) {
    return found.kind == Oddity::far_rows || found.kind == Oddity::extreme_scale;
  });
  std::erase_if(findings, [&](const Finding& found) { return is_mark(found, table.values, marks); });
  for (std::string& text : table_warnings(table, findings, [&](Index i) { return reader->place_of(table.number(i)); }))
    warnings.push_back(std::move(text));
  TrainingSource source{nullptr, {}, table.columns, {}, {}};
  const Index n = table.values.cols();
  HeldOut valid, test;
  if (!args.given("split")) {
    RowOptions same = options;  // the other files' columns are found by the table's names
    if (table.columns != numbered_columns(table.values.rows())) same.columns = table.columns, same.drop.clear();
    valid = held_out(args, "valid", same);
    test = held_out(args, "test", same);
    const auto share_of = [n](double share) { return static_cast<Index>(std::lround(share * static_cast<double>(n))); };
    if (share_of(valid.share) + share_of(test.share) >= n)
      throw UsageError("--valid and --test leave none of the " + std::to_string(n) + " rows to train on");
    split = split_rows(n, {1 - valid.share - test.share, valid.share, test.share}, seed);
  }
  for (const HeldOut* held : {&valid, &test})
    if (held->table) say_read(args, *held->table);
  if (valid.table) expect_columns(table, *valid.table, "--valid");
  if (test.table) expect_columns(table, *test.table, "--test");
  source.rows.validation = valid.table ? std::move(valid.table->values) : take(table.values, split.validation);
  source.rows.test = test.table ? std::move(test.table->values) : take(table.values, split.test);
  source.rows.train = keep_columns(std::move(table.values), split.train);
  if (source.rows.validation.cols() == 0)
    warnings.push_back("no rows validate, so the training rows choose the weights and the NLL flatters");
  if (args.flag("drop-constant")) drop_unvarying(source, table.source);
  standardise(source, table.source, explained, warnings);
  for (const std::string& text : warnings) write_stderr("cnf train: warning: " + text + '\n');
  return source;
}

Standardisation standardise_draws(const Density& density, Seed seed) {
  return fit_standardisation(density.sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::standardisation),
                                            0, kStandardisationPoints));
}

Standardisation reach_of(const Energy& energy) {
  const Energy::Reach reach = energy.reach();
  Standardisation s = Standardisation::identity(energy.dim());
  for (Index i = 0; i < energy.dim(); ++i) {
    s.mean[i] = reach.mean[static_cast<std::size_t>(i)];
    s.scale(i, i) = reach.scale[static_cast<std::size_t>(i)];
  }
  return s;
}

Target target_of(std::shared_ptr<const Energy> energy) {
  return {.log_density = [energy = std::move(energy)](std::span<const double> x, std::span<double> slope) {
    return energy->log_unnormalised(x, slope);
  }};
}

TrainingSource source_of(const DataArgument& data, Seed seed) {
  return {data.density,
          {},
          density_columns(*data.density),
          data.energy ? reach_of(*data.energy) : standardise_draws(*data.density, seed),
          data.energy,
          {}};
}

Index validation_rows(const TrainingSource& source) {
  if (source.density) return kMostValidationRows;
  const Index rows = source.rows.validation.cols() > 0 ? source.rows.validation.cols() : source.rows.train.cols();
  return std::min(rows, kMostValidationRows);
}

namespace {

TrainingData data_of_source(const TrainingSource& source, const Args& args) {
  const Seed seed = seed_from(args);
  if (!source.density) return training_rows(source.rows.train, source.rows.validation, seed);
  TrainingData data;
  if (source.energy) {
    data.target = target_of(source.energy);
    data.target.anneal = args.integer("anneal");
    return data;
  }
  data.draw = [density = source.density, seed](std::uint32_t step, SampleSlots batch) {
    density->sample(seed, Purpose::batch, step, 0, batch.x);
  };
  data.validation.x = source.density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::validation), 0,
                                             kMostValidationRows);
  data.true_log_prob = source.density->log_prob(data.validation.x);
  return data;
}

}  // namespace

TrainingData training_data(const TrainingSource& source, const Args& args) {
  TrainingData data = data_of_source(source, args);
  if (source.draws.cols() == 0) return data;
  data.draw = training_rows(source.draws, Batch(source.draws.rows(), 0), seed_from(args)).draw;
  data.repeats = false;
  return data;
}

}  // namespace cnf
