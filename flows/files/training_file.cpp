// The numbers of a state lie in two tensors, reals and counts, and metadata names each. Their rows below are
// append-only. A file of the first releases has no names: its numbers are the first seven and the first nine. What a
// file lacks of later rows has its default. What no run can have come to is refused by name, digests or not: a state
// may have been signed by another program.
#include "flows/files/training_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "flows/files/model_part.hpp"
#include "flows/training/optimizers.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTrainingKind = "cnf training state";

constexpr std::array<std::string_view, kMostParts> kWindowParts{"window_part_0", "window_part_1", "window_part_2",
                                                                "window_part_3", "window_part_4", "window_part_5",
                                                                "window_part_6", "window_part_7"};
constexpr std::size_t kFirstReals = 7, kFirstCounts = 9;  ///< those that every file has

/// One number of a state, and the range it has in every run.
template <class Number>
struct Row {
  std::string_view name;
  Number* value;
  std::remove_const_t<Number> least, most;
};

template <class State>
auto reals_of(State& s) {
  using R = Row<std::remove_pointer_t<decltype(&s.best_score)>>;
  constexpr double kAny = std::numeric_limits<double>::max(), kLeastRate = std::numeric_limits<double>::min();
  std::vector<R> rows{
      {"best_score", &s.best_score, -kAny, kAny},   {"rate_scale", &s.rate_scale, kLeastRate, 1},
      {"window_loss", &s.window_loss, -kAny, kAny}, {"window_evaluations", &s.window_evaluations, 0, kAny},
      {"window_solves", &s.window_solves, 0, kAny}, {"window_steps", &s.window_steps, 0, kAny},
      {"gradient_norm", &s.gradient_norm, 0, kAny}};
  for (std::size_t i = 0; i < kMostParts; ++i) rows.push_back({kWindowParts[i], &s.window_parts[i], -kAny, kAny});
  rows.push_back({"doublings", &s.doublings, 0, 40});
  rows.push_back({"evaluations_then", &s.evaluations_then, 0, kAny});
  return rows;
}

/// Nothing has happened more often than there were steps; `steps` of them are planned.
template <class State>
auto counts_of(State& s) {
  using R = Row<std::remove_pointer_t<decltype(&s.step)>>;
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  return std::vector<R>{{"step", &s.step, 0, kMost},
                        {"steps", &s.steps, 0, kMost},
                        {"best_step", &s.best_step, 0, s.step},
                        {"skipped", &s.skipped, 0, s.step},
                        {"rollbacks", &s.rollbacks, 0, s.step},
                        {"failed_in_a_row", &s.failed_in_a_row, 0, s.step},
                        {"stale_validations", &s.stale_validations, 0, s.step},
                        {"updates", &s.current.updates, 0, s.step},
                        {"last_good_updates", &s.last_good.updates, 0, s.step},
                        {"note.validations", &s.validations, 0, s.step}};
}

template <class Number>
void expect_ranges(const std::vector<Row<Number>>& rows, const std::string& tensor, const std::string& path) {
  const auto text = [](Number x) {
    if constexpr (std::is_floating_point_v<Number>)
      return shortest(x);
    else
      return std::to_string(x);
  };
  for (const Row<Number>& row : rows)
    if (!(*row.value >= row.least && *row.value <= row.most))
      throw InputError(path + ": tensor '" + tensor + "': " + std::string(row.name) + " is " + text(*row.value) +
                       ", expected " + text(row.least) + " to " + text(row.most));
}

/// Adds the rows' values as the tensor NAME, and their names as the metadata field cnf.NAME.
template <class Number, class Rows>
void add_numbers(Safetensors& file, const std::string& name, const Rows& rows) {
  Json names = Json::array();
  std::vector<Number> values;
  for (const auto& row : rows) {
    names.push_back(row.name);
    values.push_back(*row.value);
  }
  file.metadata["cnf." + name] = names.dump();
  file.tensors.push_back(make_tensor<Number>(name, {std::ssize(values)}, values));
}

/// The names of the numbers in tensor NAME, in their order.
template <class Rows>
std::vector<std::string> names_in(const Safetensors& file, const std::string& name, const Rows& rows, std::size_t first,
                                  const std::string& path) {
  std::vector<std::string> names;
  if (file.metadata.contains("cnf." + name)) {
    try {
      names = json_field(file, "cnf." + name, path).template get<std::vector<std::string>>();
    } catch (const Json::exception&) {
      throw InputError(path + ": metadata field 'cnf." + name + "' is not a list of names");
    }
  } else {
    for (std::size_t i = 0; i < first; ++i) names.emplace_back(rows[i].name);
  }
  return names;
}

/// Sets the rows from the tensor NAME. A number whose name begins with "note." may be passed over, no other.
template <class Number, class Rows>
void read_numbers(const Safetensors& file, TensorReader& reader, const std::string& name, const Rows& rows,
                  std::size_t first, const std::string& path) {
  const std::vector<std::string> names = names_in(file, name, rows, first, path);
  const std::vector<Number> numbers = values<Number>(reader.expect(name, {std::ssize(names)}, dtype_of<Number>()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = std::find(names.begin(), names.end(), rows[i].name);
    if (found != names.end())
      *rows[i].value = numbers[static_cast<std::size_t>(found - names.begin())];
    else if (i < first)
      throw InputError(path + ": tensor '" + name + "' lacks the number " + in_quotes(rows[i].name));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i))
      throw InputError(path + ": the number " + in_quotes(names[i]) + " stands twice in '" + name + "'");
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.name == names[i]; });
    if (!known && !names[i].starts_with("note."))
      throw InputError(path + ": the number " + in_quotes(names[i]) + " is not known to this build; use a newer one");
  }
}

/// Files of the first releases, which name none, are Adam's.
std::string optimizer_of(const Safetensors& file) {
  const auto named = file.metadata.find("cnf.optimizer");
  return named == file.metadata.end() ? "adam" : named->second;
}

template <class T>
Weights<T> read_weights(TensorReader& reader, const Layout& layout, const std::string& prefix, const Optimizer<T>& rule,
                        const std::string& path) {
  Weights<T> weights;
  weights.params = reader.params<T>(layout, prefix + "params.");
  weights.average = reader.params<T>(layout, prefix + "average.");
  for (const auto& slot : rule.slots(layout)) {
    weights.slots.push_back(reader.params<T>(slot.layout, prefix + slot.name + "."));
    if (slot.never_negative && (weights.slots.back().array() < 0).any())
      throw InputError(path + ": the tensors " + in_quotes(prefix + slot.name + ".") +
                       " hold a negative number, expected a mean of squares");
  }
  return weights;
}

template <class T>
void add_weights(Safetensors& file, const Layout& layout, const std::string& prefix, const Weights<T>& weights,
                 const Optimizer<T>& rule) {
  add_params(file, layout, prefix + "params.", weights.params);
  add_params(file, layout, prefix + "average.", weights.average);
  const auto slots = rule.slots(layout);
  for (std::size_t i = 0; i < slots.size(); ++i)
    add_params(file, slots[i].layout, prefix + slots[i].name + ".", weights.slots.at(i));
}

}  // namespace

template <class T>
std::string training_bytes(const TrainingFile<T>& training, const Optimizer<T>& rule) {
  Safetensors out = model_part(training.file, kTrainingKind);
  out.metadata["cnf.optimizer"] = rule.name();
  const Layout layout = training.file.model.layout();
  const TrainingState<T>& state = training.state;
  add_weights(out, layout, "current.", state.current, rule);
  add_weights(out, layout, "last_good.", state.last_good, rule);
  add_params(out, layout, "best.", state.best);
  const double best = std::min(state.best_score, std::numeric_limits<double>::max());
  auto reals = reals_of(state);
  reals.front().value = &best;
  while (reals.size() > kFirstReals && *reals.back().value == 0) reals.pop_back();  // of what this loss has not
  add_numbers<double>(out, "reals", reals);
  add_numbers<std::int64_t>(out, "counts", counts_of(state));
  return safetensors_bytes(out);
}

Precision training_precision(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  expect_kind(file, kTrainingKind, path.string());
  return precision_of(file, path.string());
}

namespace {

/// Of a file that `rule` trained.
template <class T>
TrainingFile<T> training_in(const Safetensors& file, const Optimizer<T>& rule, const std::string& where) {
  const int format = expect_kind(file, kTrainingKind, where);
  const std::string trained_by = optimizer_of(file);
  if (trained_by != rule.name())
    throw InputError(where + ": trained by the optimizer " + in_quotes(trained_by) + ", expected " +
                     in_quotes(rule.name()));
  TensorReader reader(file, where);
  TrainingFile<T> out{read_model_part(file, format, reader, where), {}, trained_by};
  const Layout layout = out.file.model.layout();
  TrainingState<T>& state = out.state;
  state.current = read_weights(reader, layout, "current.", rule, where);
  state.last_good = read_weights(reader, layout, "last_good.", rule, where);
  state.best = reader.params<T>(layout, "best.");
  read_numbers<double>(file, reader, "reals", reals_of(state), kFirstReals, where);
  read_numbers<std::int64_t>(file, reader, "counts", counts_of(state), kFirstCounts, where);
  reader.finish();
  expect_ranges(reals_of(state), "reals", where);
  expect_ranges(counts_of(state), "counts", where);
  if (state.best_score == std::numeric_limits<double>::max())
    state.best_score = std::numeric_limits<double>::infinity();
  out.file.model.params = state.current.params.template cast<double>();
  return out;
}

}  // namespace

template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path, const Optimizer<T>& rule) {
  return training_in<T>(read_safetensors(path), rule, path.string());
}

template <class T>
TrainingFile<T> read_training(const std::filesystem::path& path) {
  const Safetensors file = read_safetensors(path);
  expect_kind(file, kTrainingKind, path.string());
  const std::optional<OptimizerKind> kind = find_optimizer(optimizer_of(file));
  if (!kind)
    throw InputError(path.string() + ": trained by the optimizer " + in_quotes(optimizer_of(file)) +
                     ", expected 'adam' or 'soap'; a newer build may know it");
  return training_in<T>(file, *make_optimizer<T>({.kind = *kind}), path.string());
}

template std::string training_bytes(const TrainingFile<float>&, const Optimizer<float>&);
template std::string training_bytes(const TrainingFile<double>&, const Optimizer<double>&);
template TrainingFile<float> read_training(const std::filesystem::path&, const Optimizer<float>&);
template TrainingFile<double> read_training(const std::filesystem::path&, const Optimizer<double>&);
template TrainingFile<float> read_training(const std::filesystem::path&);
template TrainingFile<double> read_training(const std::filesystem::path&);

}  // namespace cnf
