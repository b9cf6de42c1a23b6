#include "tools/verbs/flow/comparison_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/utf8.hpp"
#include "tools/cli/output.hpp"
#include "tools/pictures/picture_size.hpp"

namespace cnf {

namespace {

/// From the likeliest on; of those alike as asked for.
std::vector<Index> ranked(const ComparisonReport& report) {
  std::vector<Index> order(report.densities.size());
  std::iota(order.begin(), order.end(), Index{0});
  const Verdict verdict = judge(report.comparison, report.densities);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    if (a == verdict.best || b == verdict.best) return a == verdict.best && b != verdict.best;
    return report.comparison.nll(a) < report.comparison.nll(b);
  });
  return order;
}

std::string counted(std::int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// "300 held-out rows".
std::string judged_by(const ComparisonReport& report) {
  return counted(report.comparison.rows(), report.draws ? "fresh draw" : "held-out row");
}

std::string data_text(const ComparisonReport& report) {
  std::string text = one_line(report.data) + ", " + judged_by(report);
  if (report.seen > 0)
    text += "; " + counted(report.seen, "other") + " left out: a run was trained on or chosen by them";
  return text;
}

/// What a row of the table says behind its numbers.
std::string remarks(const ComparisonReport& report, Index k) {
  std::string text = report.densities[static_cast<std::size_t>(k)].detail;
  const auto add = [&](std::int64_t n, const std::string& what) {
    if (n > 0) text += (text.empty() ? "" : "; ") + counted(n, "row") + what;
  };
  add(report.comparison.without_density(k), " of density 0");
  add(report.comparison.failed(k), " failed, left out for all");
  return text;
}

std::string behind_text(const Comparison& comparison, const Verdict& verdict, Index k) {
  if (k == verdict.best) return "best";
  const PairedDifference behind = comparison.difference(verdict.best, k);
  return with_error(behind.mean, behind.half_width) + (behind.level() ? ", level" : "");
}

void align(std::vector<std::array<std::string, 4>>& rows) {
  for (std::size_t column = 0; column < 3; ++column) {
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, character_count(row[column]));
    for (auto& row : rows) row[column].append(width + 3 - character_count(row[column]), ' ');
  }
}

}  // namespace

std::string text_of(const ComparisonReport& report) {
  const Comparison& comparison = report.comparison;
  const Verdict verdict = judge(comparison, report.densities);
  std::string text = "data        " + data_text(report) + '\n';
  if (!report.fitted_to.empty()) text += "fitted to   " + report.fitted_to + '\n';
  std::vector<std::array<std::string, 4>> rows{{"", "NLL, nats", "behind the best, 95 %", ""}};
  for (const Index k : ranked(report))
    rows.push_back({report.densities[static_cast<std::size_t>(k)].name,
                    with_error(comparison.nll(k), comparison.nll_error(k)), behind_text(comparison, verdict, k),
                    remarks(report, k)});
  align(rows);
  for (const auto& row : rows) {
    std::string line = row[0] + row[1] + row[2] + row[3];
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text + "verdict     " + cnf::text(comparison, verdict, report.densities) + '\n';
}

JsonReport json_of(const ComparisonReport& report) {
  const Comparison& comparison = report.comparison;
  const Verdict verdict = judge(comparison, report.densities);
  JsonReport json;
  json.set("data", report.data).set("draws", report.draws).set("rows", comparison.rows()).set("seen_rows", report.seen);
  if (report.fitted_to.empty())
    json.set_unknown("fitted_to");
  else
    json.set("fitted_to", report.fitted_to);
  std::vector<JsonReport> list;
  for (Index k = 0; k < comparison.densities(); ++k) {
    const Compared& density = report.densities[static_cast<std::size_t>(k)];
    const PairedDifference behind = comparison.difference(verdict.best, k);
    list.push_back(JsonReport().set("name", density.name).set("detail", density.detail));
    JsonReport& one = list.back();
    one.set("nll", comparison.nll(k)).set("nll_stderr", comparison.nll_error(k));
    one.set("behind", behind.mean).set("behind_low", behind.low()).set("behind_high", behind.high());
    one.set("level", verdict.level[static_cast<std::size_t>(k)] != 0);
    one.set("rows_of_density_0", comparison.without_density(k)).set("failed_rows", comparison.failed(k));
  }
  return json.set("candidates", list).set("verdict", cnf::report(comparison, verdict, report.densities));
}

IntervalChart picture_of(const ComparisonReport& report, const Args& args) {
  const Comparison& comparison = report.comparison;
  const Verdict verdict = judge(comparison, report.densities);
  IntervalFigure figure;
  figure.title = args.given("title") ? args.text("title") : one_line(report.data) + ", " + judged_by(report);
  figure.note = cnf::text(comparison, verdict, report.densities);
  figure.axis = "nats behind the best, row by row, with the 95 % interval of the mean";
  figure.value = "NLL";
  for (const Index k : ranked(report)) {
    const PairedDifference behind = comparison.difference(verdict.best, k);
    ChartInterval& interval = figure.rows.emplace_back();
    interval.name = report.densities[static_cast<std::size_t>(k)].name;
    interval.value = with_error(comparison.nll(k), comparison.nll_error(k));
    interval.middle = behind.mean, interval.low = behind.low(), interval.high = behind.high();
    interval.shade = k == verdict.recommended                          ? IntervalShade::chosen
                     : verdict.level[static_cast<std::size_t>(k)] != 0 ? IntervalShade::level
                                                                       : IntervalShade::plain;
  }
  figure.legend = {"recommended", "level with the best", "behind"};
  return IntervalChart(std::move(figure), sized_style(args, 760, 0));
}

}  // namespace cnf
