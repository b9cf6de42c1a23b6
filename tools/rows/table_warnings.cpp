#include "tools/rows/table_warnings.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "tools/cli/output.hpp"

namespace cnf {

namespace {

constexpr std::size_t kNamed = 6;  // columns in one line; the others are counted

constexpr const char* kUnbounded = "the likelihood has no bound there and no NLL means much";

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// "column 'kind'"; "3 columns: 'kind' ..., 'age' ... and 9 more".
std::string listed(const std::vector<std::string>& items) {
  if (items.size() == 1) return "column " + items.front();
  std::string text = std::to_string(items.size()) + " columns: ";
  for (std::size_t k = 0; k < std::min(items.size(), kNamed); ++k) text += (k > 0 ? ", " : "") + items[k];
  return items.size() > kNamed ? text + " and " + std::to_string(items.size() - kNamed) + " more" : text;
}

/// "46 %", "0.2 %".
std::string percent(Index part, Index all) {
  return significant(100 * static_cast<double>(part) / static_cast<double>(all), 2) + " %";
}

/// To two digits: 570000, 2.3e+07.
std::string rounded_number(double x) {
  const double unit = std::pow(10, std::floor(std::log10(x)) - 1);
  return x < 1e7 ? decimals(std::round(x / unit) * unit, 0) : significant(x, 2);
}

/// The findings of one kind in words, and what options call their columns.
class Words {
 public:
  Words(const Table& table, const std::vector<Finding>& findings, const std::function<std::string(Index)>& place)
      : table_(table), findings_(findings), place_(place) {}

  std::vector<std::string> lines() {
    extreme_scale();
    far_rows();
    few_values();
    spikes();
    rounded();
    repeated_rows();
    return std::move(lines_);
  }

 private:
  std::vector<Finding> of(Oddity kind) const {
    std::vector<Finding> found;
    std::copy_if(findings_.begin(), findings_.end(), std::back_inserter(found),
                 [kind](const Finding& f) { return f.kind == kind; });
    return found;
  }
  const std::string& name(const Finding& f) const { return table_.columns[static_cast<std::size_t>(f.column)]; }
  std::string items(const std::vector<Finding>& found, const std::function<std::string(const Finding&)>& item) const {
    std::vector<std::string> list;
    for (const Finding& f : found) list.push_back(quoted(name(f)) + item(f));
    return listed(list);
  }
  std::string drop(const std::vector<Finding>& found) const {
    std::vector<std::string> names;
    for (const Finding& f : found) names.push_back(name(f));
    return drop_option(names);
  }
  void say(const std::string& text) { lines_.push_back(table_.source + ": " + text); }

  void extreme_scale() {
    const std::vector<Finding> found = of(Oddity::extreme_scale);
    if (found.empty()) return;
    say(items(found, [](const Finding& f) { return " reaches " + significant(f.value, 2); }) +
        "; squares of such numbers are beyond a double, and there may be no picture and no mass: change the units");
  }

  void far_rows() {
    std::vector<Finding> found = of(Oddity::far_rows);
    std::vector<std::string> places;
    for (const Finding& f : found) {  // one row may be far out in many columns
      const std::string place = place_(f.row);
      if (std::find(places.begin(), places.end(), place) != places.end()) continue;
      places.push_back(place);
      if (places.size() > 3) continue;
      const double value = table_.values(f.column, f.row);
      const bool high = value > table_.values.row(f.column).mean();
      const std::string bound = f.count > 1 ? "=LOW:HIGH" : (high ? "<" : ">") + shortest(value);
      lines_.push_back(place + ": " + quoted(name(f)) + " is " + shortest(value) + ", " + rounded_number(f.value) +
                       " deviations from the median" +
                       (f.count > 1 ? ", the farthest of " + std::to_string(f.count) + " rows beyond 1000" : "") +
                       "; the scaling is not robust against it: leave it out (--where " + shell_word(name(f) + bound) +
                       ")" + (f.count > 10 ? ", or take logarithms" : ""));
    }
    if (places.size() > 3) say(std::to_string(places.size() - 3) + " more rows are as far out in other columns");
  }

  void few_values() {
    const std::vector<Finding> found = of(Oddity::few_values);
    if (found.empty()) return;
    const std::string what = items(found, [&](const Finding& f) {
      return (found.size() > 1 ? " " : " takes only ") + std::to_string(f.count) + (found.size() > 1 ? "" : " values");
    });
    const std::string cure =
        std::ssize(found) == table_.values.rows()
            ? "add noise as wide as their steps first"
            : drop(found) + ", or train on one value at a time (--where " + shell_word(name(found.front())) + "=VALUE)";
    say((found.size() > 1 ? "only a few values are in " : "") + what + "; " + kUnbounded + ": " + cure);
  }

  void spikes() {
    const std::vector<Finding> found = of(Oddity::spike);
    if (found.empty()) return;
    const Index rows = table_.values.cols();
    const Finding& first = found.front();
    say("one value is repeated in " +
        items(found,
              [&](const Finding& f) {
                return ", " + shortest(f.value) + " in " + percent(f.count, rows) + " of the rows";
              }) +
        "; " + kUnbounded + ": leave these rows out (--where " +
        shell_word(name(first) + "!=" + shortest(first.value)) + ") or " + drop(found));
  }

  void rounded() {
    const std::vector<Finding> found = of(Oddity::rounded);
    if (found.empty()) return;
    say("coarsely rounded, with the number of different values: " +
        items(found, [](const Finding& f) { return " " + std::to_string(f.count); }) + "; " + kUnbounded +
        ": add noise as wide as their steps first, or " + drop(found));
  }

  void repeated_rows() {
    for (const Finding& f : of(Oddity::repeated_rows))
      say(percent(f.count, table_.values.cols()) + " of the rows, " + std::to_string(f.count) +
          ", equal an earlier row; rows kept for the test are then among those trained on: cnf evaluate tells of the "
          "unseen ones");
  }

  const Table& table_;
  const std::vector<Finding>& findings_;
  const std::function<std::string(Index)>& place_;
  std::vector<std::string> lines_;
};

}  // namespace

std::string listed_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> items;
  for (const std::string& name : columns) items.push_back(quoted(name));
  return listed(items);
}

std::string drop_option(const std::vector<std::string>& columns) {
  std::string names;
  for (std::size_t k = 0; k < std::min(columns.size(), kNamed); ++k) names += (k > 0 ? "," : "") + columns[k];
  return "--drop " + shell_word(columns.size() > kNamed ? names + ",..." : names);
}

std::vector<std::string> table_warnings(const Table& table, const std::vector<Finding>& findings,
                                        const std::function<std::string(Index row)>& place) {
  return Words(table, findings, place).lines();
}

std::string dependence_warning(const std::string& source, const std::vector<std::string>& columns,
                               const std::vector<Dependence>& found) {
  const auto name = [&](Index j) { return quoted(columns[static_cast<std::size_t>(j)]); };
  std::vector<std::string> items, dependent;
  for (const Dependence& d : found) {
    dependent.push_back(columns[static_cast<std::size_t>(d.column)]);
    std::string item = name(d.column);
    if (d.copy) {
      item += " equals " + name(d.on.front());
    } else if (d.on.size() == 1) {
      const std::string factor = significant(d.factors.front(), 4);
      item += (factor == "1" ? d.offset == 0 ? " nearly equals " : " is " : " is " + factor + " ") + name(d.on.front());
      if (d.offset != 0) item += (d.offset < 0 ? " - " : " + ") + significant(std::abs(d.offset), 4);
    } else {
      item += " follows from ";
      for (std::size_t k = 0; k < std::min<std::size_t>(d.on.size(), 3); ++k)
        item += (k > 0 ? ", " : "") + name(d.on[k]);
      if (d.on.size() > 3) item += " and " + std::to_string(d.on.size() - 3) + " more";
    }
    items.push_back(item);
  }
  return source + ": " + listed(items) +
         "; the density is singular there and no NLL of it means much: " + drop_option(dependent);
}

namespace {

constexpr const char* kTurn = "numpy.save('data.npy', x.T) turns an array round; --columns takes fewer columns";

std::string question(const std::string& source, Index rows, Index columns) {
  return source + ": " + std::to_string(rows) + (rows == 1 ? " row of " : " rows of ") + std::to_string(columns) +
         " columns; rows are samples: transposed?";
}

}  // namespace

std::vector<std::string> few_rows_warnings(Index train, Index validation, Index columns, Index weights) {
  constexpr double kValuesAWeight = 0.2;  // fewer, and runs of tables end far above their best
  std::vector<std::string> warnings;
  if (static_cast<double>(train * columns) < kValuesAWeight * static_cast<double>(weights))
    warnings.push_back(std::to_string(train) + " rows for a network of " + std::to_string(weights) +
                       " weights, which can learn them by heart; validation says when it does, and cnf evaluate RUN "
                       "--baselines whether a simpler density is better");
  if (validation > 0 && validation < 10)
    warnings.push_back(std::to_string(validation) + (validation == 1 ? " row validates" : " rows validate") +
                       ", by which weights are chosen nearly at random; --valid 0.3 takes more of them");
  return warnings;
}

void refuse_transposed(const std::string& source, Index rows, Index columns) {
  constexpr Index kFewRows = 16, kTimes = 10;
  if (rows < columns && (rows <= kFewRows || columns / kTimes >= rows))
    throw InputError(question(source, rows, columns), kTurn);
}

std::string transposed_warning(const std::string& source, Index rows, Index columns) {
  return question(source, rows, columns) + " No density over " + std::to_string(columns) +
         " columns can be learnt from so few; " + kTurn;
}

}  // namespace cnf
