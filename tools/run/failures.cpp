#include "tools/run/failures.hpp"

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "tools/cli/output.hpp"
#include "tools/run/evaluation_arguments.hpp"

namespace cnf {

namespace {

constexpr double kFar = 20;  // deviations: no row of a tail lies there, and few of an outlier's
/// Of float: a step's error is compared with the sum of both tolerances times values of about 1.
constexpr double kHeld = std::numeric_limits<float>::epsilon();
constexpr double kReliable = 10 * kHeld;

/// --rtol and --atol together if they are below `least` and the work is done in float; else nothing.
std::string finer_than(double least, const Args& args) {
  if (precision_from(args) == Precision::double_float) return {};
  const SolveOptions solve = solve_from(args);
  if (solve.fixed_steps > 0 || solve.rtol + solve.atol >= least) return {};
  return "--rtol " + shortest(solve.rtol) + " and --atol " + shortest(solve.atol);
}

}  // namespace

Option on_error_option(const std::string& initial, bool in_place) {
  Option option{.name = "on-error",
                .value = "WHAT",
                .kind = Kind::choice,
                .initial = initial,
                .choices = {"stop", "skip"},
                .help = "Rows that cannot be solved: stop, or write NaN for them and go on.",
                .group = "Solver"};
  if (!in_place) return option;
  option.choices.emplace_back("nan");
  option.help =
      "Rows that cannot be solved: stop, or skip them, writing NaN. nan: NaN for every row that is missing, invalid or "
      "not asked for too, so that row i of the output is row i of the input.";
  return option;
}

void warn_of_tolerance(const Args& args) {
  const std::string fine = finer_than(kHeld, args);
  if (!fine.empty())
    write_stderr("cnf " + args.verb() + ": warning: " + fine + " are below what float holds, " + significant(kHeld, 2) +
                 "; --precision double keeps to them\n");
}

FarOut far_from_data(const Cnf& model, const Batch& x, Index row) {
  const Standardisation& to = model.standardisation;
  const Vector<double> away = x.col(row) - to.mean;
  Index most = 0;
  (away.array().abs() / to.scale.rowwise().norm().array()).maxCoeff(&most);
  return {to.apply(x.col(row)).cwiseAbs().maxCoeff(),
          "from the mean of the data that the model was trained on, most of all in column '" +
              model.columns[static_cast<std::size_t>(most)] + "'"};
}

FarOut far_from_base(const Cnf&, const Batch& z, Index row) {
  Index most = 0;
  const double deviations = z.col(row).cwiseAbs().maxCoeff(&most);
  return {deviations, "from the mean of the base, most of all in z" + std::to_string(most + 1)};
}

Failures::Failures(const Args& args, const std::string& of)
    : verb_(args.verb()),
      of_(of.empty() ? "" : of + ": "),
      fine_(finer_than(kReliable, args)),
      stop_(args.text("on-error") == "stop") {}

void Failures::add(const std::vector<Status>& failures, std::uint64_t first, const FarOutOf& far_out) {
  note(
      failures,
      [first](Index row) { return "row " + std::to_string(first + static_cast<std::uint64_t>(row) + 1) + " (from 1)"; },
      far_out);
}

void Failures::add(const std::vector<Status>& failures, const RowReader& rows, const FarOutOf& far_out) {
  std::vector<Status> of_taken = failures;
  std::erase_if(of_taken, [&rows](const Status& status) { return !rows.ledger().usable(status.row); });
  note(
      of_taken, [&rows](Index row) { return rows.place(row); }, far_out);
}

void Failures::note(const std::vector<Status>& failures, const std::function<std::string(Index row)>& place,
                    const FarOutOf& far_out) {
  if (failures.empty()) return;
  if (count_ == 0) {
    Status first = failures.front();
    const FarOut far = far_out ? far_out(first.row) : FarOut{};
    const std::int64_t steps = first.accepted + first.rejected;
    first_ = place(first.row) + ": ";
    first.row = -1;  // where it stood in its batch says nothing here
    const std::string ended = std::string(name(first.code)) + ": " + std::to_string(steps) +
                              (steps == 1 ? " step" : " steps") + " reached t = " + significant(first.t, 6);
    if (far.deviations >= kFar) {
      first_ += ended + " of a row that lies " + significant(far.deviations, 3) + " standard deviations " + far.what;
      help_ = "check the row's units and columns; ";
    } else if (!fine_.empty() && first.code != Status::Code::non_finite) {
      first_ += ended + "; " + fine_ + " are too fine for float";
      help_ = "--precision double keeps to them; ";
    } else {
      first_ += first.message();
    }
  }
  count_ += std::ssize(failures);
  if (stop_) throw ComputationError(text(), help_ + "--on-error=skip writes NaN for such rows and goes on");
}

void Failures::say() const {
  if (count_ > 0) write_stderr("cnf " + verb_ + ": warning: " + text() + "\n");
}

std::string Failures::text() const {
  return of_ + std::to_string(count_) + (count_ == 1 ? " row" : " rows") + " failed, the first of them: " + first_;
}

}  // namespace cnf
