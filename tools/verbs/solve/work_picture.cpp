#include "tools/verbs/solve/work_picture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/draw/line_chart.hpp"

namespace cnf {

namespace {

using Measure = double (*)(const WorkRow&);

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
double error_of(const WorkRow& row) { return row.status.ok() ? row.error : kNone; }
double calls_of(const WorkRow& row) { return row.status.ok() ? static_cast<double>(row.counters.calls()) : kNone; }
double seconds_of(const WorkRow& row) { return row.seconds; }
double tolerance_of(const WorkRow& row) { return row.point.options.fixed_steps > 0 ? kNone : row.point.options.rtol; }

struct Chart {
  Measure x, y;
  const char *x_label, *y_label, *title;
};

std::vector<Line> lines_of(const std::vector<WorkRow>& rows, const Chart& chart, bool named) {
  std::vector<std::string> solvers;
  for (const WorkRow& row : rows)
    if (std::find(solvers.begin(), solvers.end(), row.point.solver) == solvers.end())
      solvers.push_back(row.point.solver);
  std::vector<Line> lines;
  for (std::size_t i = 0; i < solvers.size(); ++i) {
    Line line{.name = named ? solvers[i] : "", .colour = line_colour(i, solvers.size()), .marks = true};
    std::vector<double> points;
    for (const WorkRow& row : rows)
      if (row.point.solver == solvers[i]) points.insert(points.end(), {chart.x(row), chart.y(row)});
    line.points = Eigen::Map<const Matrix<double>>(points.data(), 2, static_cast<Index>(points.size() / 2));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

SideBySide work_picture(const SolveSubject& subject, const std::vector<WorkRow>& rows, const FigureStyle& style) {
  const char* const error = subject.problem ? "error at the end" : "error of log p, nats";
  const bool jvps = std::any_of(rows.begin(), rows.end(), [](const WorkRow& row) { return row.counters.jvps > 0; });
  const char* const calls = jvps ? "evaluations and jvps" : "evaluations";
  std::vector<Chart> charts{{calls_of, error_of, calls, error, "error for evaluations"},
                            {seconds_of, error_of, "seconds", error, "error for time"}};
  const bool adaptive = std::any_of(rows.begin(), rows.end(), [](const WorkRow& row) {
    return row.status.ok() && row.point.options.fixed_steps == 0;
  });
  if (subject.model && adaptive) {
    charts.push_back({tolerance_of, calls_of, "tolerance", calls, "evaluations for a tolerance"});
    charts.push_back({tolerance_of, error_of, "tolerance", error, "error for a tolerance"});
  }
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    const bool last = i + 1 == charts.size();
    FigureStyle one = style;
    one.log_x = one.log_y = true;
    one.x_label = charts[i].x_label, one.y_label = charts[i].y_label;
    one.title = i == 0 && !style.title.empty() ? style.title + ": " + charts[i].title : charts[i].title;
    pictures.push_back(line_chart(lines_of(rows, charts[i], last), one));
  }
  return SideBySide(std::move(pictures));
}

}  // namespace cnf
