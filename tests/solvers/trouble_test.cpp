#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "solvers/gradients/discrete_adjoint.hpp"
#include "solvers/gradients/recording.hpp"
#include "solvers/watching/trajectory.hpp"
#include "tests/solvers/fields.hpp"

using namespace cnf;

namespace {

constexpr Index kRows = 64, kBad = 17;

/// A field that is ill at row kBad: z' = f(t, z), with time reversed if direction is -1. The others are z' = -z.
template <class T>
struct Illness {
  std::string name;
  T start;
  T (*f)(T t, T z);
  bool must_fail, not_a_number;  // must_fail: no solver gets past it; not_a_number: and says so
  double t_least, t_most;        // where, if it fails
};

template <class T>
std::vector<Illness<T>> illnesses() {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  return {{"stiff", 2, [](T t, T z) { return T(-1e7) * (z - std::cos(t)); }, true, false, 0, 1},
          {"NaN after one half", 1, [](T t, T z) { return t > T(0.5) ? nan : -z; }, true, true, 0.45, 0.5001},
          {"infinite after one half", 1, [](T t, T z) { return t > T(0.5) ? inf : -z; }, true, true, 0.45, 0.5001},
          {"1e30", 1, [](T, T) { return T(1e30); }, false, false, 0, 1},
          {"overflow", 1, [](T, T z) { return z * std::numeric_limits<T>::max(); }, true, false, 0, 1},
          {"over the largest number", std::numeric_limits<T>::max() * T(0.9),
           [](T, T) { return std::numeric_limits<T>::max() / 2; }, true, true, 0.1, 0.2001},
          {"square", 2, [](T, T z) { return z * z; }, true, false, 0.45, 0.5001},
          {"root of a negative number", T(0.01), [](T, T z) { return -1 - std::sqrt(z); }, true, true, 0, 0.02},
          {"jump", 0, [](T t, T) { return t < T(0.5) ? T(1) : T(-1000); }, false, false, 0.4, 0.6},
          {"chaotic", 1, [](T t, T z) { return 30 * std::sin(50 * z + 100 * t); }, false, false, 0, 1},
          {"zero", 0, [](T, T) { return T(0); }, false, false, 0, 0},
          {"denormal", 0, [](T, T) { return std::numeric_limits<T>::denorm_min(); }, false, false, 0, 0},
          {"NaN from the start", 1, [](T, T) { return nan; }, true, true, 0, 0},
          {"pole", 1, [](T t, T) { return 1 / (T(0.5) - t); }, false, false, 0.4, 0.5001}};
}

template <class T>
PointField<T> field(const Illness<T>& ill, double direction) {
  const T sign = static_cast<T>(direction);
  return PointField<T>(1, [ill, sign](T t, std::span<const T> z, std::span<T> dz, Index row) {
    dz[0] = sign * (row == kBad ? ill.f(sign * t, z[0]) : -z[0]);
  });
}

template <class T>
void every_illness_ends() {
  using Catch::Matchers::Contains;
  for (const Illness<T>& ill : illnesses<T>())
    for (const Tableau* m : kAllTableaus)
      for (const double direction : {1.0, -1.0}) {
        if (!m->is_adaptive()) continue;
        CAPTURE(ill.name, std::string(m->name), direction);
        Matrix<T> start = Matrix<T>::Constant(1, kRows, T(0.5));
        start(0, kBad) = ill.start;
        SolveOptions options;
        options.method = m;
        options.max_steps = 400;
        const Solved<T> s = solved(field(ill, direction), 0, direction, start, options);
        CHECK(s.status.accepted + s.status.rejected <= options.max_steps);
        if (s.status.ok()) {
          CHECK_FALSE(ill.must_fail);
          CHECK(s.z.allFinite());
          CHECK(s.status.t == direction);
          continue;
        }
        const std::string message = s.status.message();
        CAPTURE(message);
        CHECK(s.status.row == kBad);
        CHECK(direction * s.status.t >= ill.t_least);
        CHECK(direction * s.status.t <= ill.t_most);
        CHECK(std::isfinite(s.status.h));
        if (ill.not_a_number) CHECK(s.status.code == Status::Code::non_finite);
        CHECK_THAT(message, Contains("row 17: ") && Contains("t = ") && Contains(" rejected)") && Contains("; "));
        CHECK_THAT(message, Contains(std::string(name(s.status.code)) + ": "));
      }
}

}  // namespace

TEST_CASE("a solve of an ill field ends with a result or a status that says where and why", "[solvers][status]") {
  SECTION("in double") { every_illness_ends<double>(); }
  SECTION("in float") { every_illness_ends<float>(); }
}

TEST_CASE("on a fixed grid a value that is not finite ends the solve and names its row", "[solvers][status]") {
  for (const Illness<double>& ill : illnesses<double>()) {
    if (ill.name != "NaN after one half" && ill.name != "infinite after one half" && ill.name != "NaN from the start")
      continue;
    for (const Tableau* m : kAllTableaus) {
      CAPTURE(ill.name, std::string(m->name));
      SolveOptions options;
      options.method = m;
      options.fixed_steps = 20;
      const Matrix<double> start = Matrix<double>::Ones(1, kRows);
      const Status status = solved(field(ill, 1), 0, 1, start, options).status;
      CHECK(status.code == Status::Code::non_finite);
      CHECK(status.row == kBad);
      CHECK(status.h == Approx(0.05));
      CHECK(status.t >= ill.t_least);
      CHECK(status.t <= ill.t_most + status.h);
    }
  }
}

TEST_CASE("a start that is not finite is named before any step", "[solvers][status]") {
  for (const int fixed_steps : {0, 4})
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      // The field does not read z: only a look at the start finds it.
      const PointField<double> f(
          2, [](double, std::span<const double>, std::span<double> dz, Index) { dz[0] = dz[1] = 1; });
      Matrix<double> start = Matrix<double>::Zero(2, 5);
      start(1, 3) = bad;
      SolveOptions options;
      options.fixed_steps = fixed_steps;
      const Status status = solved(f, 0.25, 1, start, options).status;
      CHECK(status.code == Status::Code::non_finite);
      CHECK(status.row == 3);
      CHECK(status.t == 0.25);
      CHECK(status.accepted + status.rejected == 0);
    }
}

TEST_CASE("a huge component is rejected and not looped on", "[solvers][status]") {
  // 1e30 / 1e-5 squared overflows in float: the error is divided by the tolerance and capped first.
  const PointField<float> f(
      1, [](float t, std::span<const float>, std::span<float> dz, Index) { dz[0] = 1e25f * std::cos(9 * t); });
  SolveOptions options;
  options.max_steps = 200;
  const Solved<float> s = solved<float>(f, 0, 1, Matrix<float>::Zero(1, 1), options);
  CHECK(s.status.ok());
  CHECK(s.z(0, 0) == Approx(1e25 * std::sin(9.0) / 9).epsilon(1e-3));
}

TEST_CASE("messages give the kind, the row, the place, the cost and what to do", "[status]") {
  Status status;
  CHECK(status.message() == "ok");
  status.code = Status::Code::step_limit;
  status.row = 17, status.t = 0.31, status.h = 2.1e-9, status.accepted = 959, status.rejected = 41;
  CHECK(status.message() ==
        "step_limit: row 17: 1000 steps (41 rejected) reached t = 0.31, last step 2.1e-09; raise max_steps or loosen "
        "rtol and atol (the field may be stiff there)");
  status.code = Status::Code::step_underflow;
  status.row = -1;
  CHECK_THAT(status.message(), Catch::Matchers::StartsWith(
                                   "step_underflow: step size 2.1e-09 underflowed at t = 0.31 after 1000 steps (41 "
                                   "rejected); "));
  status.code = Status::Code::non_finite;
  CHECK_THAT(status.message(), Catch::Matchers::StartsWith(
                                   "non_finite: a value became NaN or infinite at t = 0.31, step size 2.1e-09, after "
                                   "1000 steps (41 rejected); "));
  for (const Status::Code code :
       {Status::Code::ok, Status::Code::step_limit, Status::Code::step_underflow, Status::Code::non_finite})
    CHECK(name(code) != "unknown");
}

TEST_CASE("costs add up", "[status]") {
  Counters all{1, 2, 3};
  all += {10, 20, 30};
  CHECK(all.evaluations == 11);
  CHECK(all.accepted == 22);
  CHECK(all.rejected == 33);
}

TEST_CASE("bad rows do not touch the good ones", "[solvers][masked]") {
  // Rows 3 and 40 become NaN at different times, row 5 starts so, row 9 blows up, row 21 is too stiff for the budget.
  const PointField<double> f(2, [](double t, std::span<const double> z, std::span<double> dz, Index row) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    dz[0] = std::sin(3 * t) - z[1];
    dz[1] = z[0] * std::cos(static_cast<double>(row));
    if ((row == 3 && t > 0.2) || (row == 40 && t > 0.7)) dz[1] = nan;
    if (row == 9) dz[0] = z[0] * z[0] + 3;
    if (row == 21) dz[0] = -1e7 * (z[0] - std::cos(t));
  });
  const std::vector<Index> bad{3, 5, 9, 21, 40};
  Matrix<double> start = normals<double>(2, kRows, Seed{8});
  start(0, 5) = std::numeric_limits<double>::quiet_NaN();
  start(0, 9) = 1;
  SolveOptions options;
  options.max_steps = 500;
  Scratch scratch;
  Counters counters;
  Recording<double> record, record_masked;
  const auto run = [&](std::vector<char>& active, State<double>& state, Recording<double>& r) {
    state = State<double>(f.blocks(), kRows);
    state.z() = start;
    return solved_masked(f, state, active, options, scratch, counters, {.record = &r});
  };
  std::vector<char> active, without(kRows, 1);
  for (Index row : bad) without[row] = 0;
  State<double> state, state_masked;
  const std::vector<Status> failures = run(active, state, record);
  const std::vector<char> from_start = without;
  CHECK(run(without, state_masked, record_masked).empty());

  REQUIRE(failures.size() == bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CHECK(failures[i].row == bad[i]);
    CHECK(failures[i].code == (bad[i] == 21  ? Status::Code::step_limit
                               : bad[i] == 9 ? failures[i].code
                                             : Status::Code::non_finite));
    CHECK_FALSE(failures[i].ok());
  }
  CHECK(active == from_start);
  CHECK(without == from_start);
  CHECK(record.fractions() == record_masked.fractions());
  for (Index j = 0; j < kRows; ++j) {
    CAPTURE(j);
    if (from_start[j]) {
      CHECK(state.z().col(j) == state_masked.z().col(j));
      CHECK(state.z().col(j).allFinite());
    } else {
      CHECK(state.z().col(j).array().isNaN().all());
      CHECK(state_masked.z().col(j).isZero(0));
    }
  }
}

TEST_CASE("when every row fails every row is reported", "[solvers][masked]") {
  SolveOptions options;
  options.max_steps = 20;
  for (const bool stiff : {true, false}) {
    const PointField<double> f(1, [stiff](double t, std::span<const double> z, std::span<double> dz, Index) {
      dz[0] = stiff ? -1e7 * (z[0] - std::cos(t)) : std::numeric_limits<double>::quiet_NaN();
    });
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), 30);
    state.z().setOnes();
    std::vector<char> active;
    const std::vector<Status> failures = solved_masked(f, state, active, options, scratch, counters);
    REQUIRE(failures.size() == 30);
    for (Index j = 0; j < 30; ++j) CHECK(failures[j].row == j);
    CHECK(active == std::vector<char>(30, 0));
    CHECK(state.z().array().isNaN().all());
    // The budget is spent nine times at most, or the field is seen to be ill at once.
    CHECK(counters.accepted + counters.rejected <= (stiff ? 9 * 20 : 0));
  }
}

TEST_CASE("failing solves that have taken more than they may end the work, and what was not come to is NaN",
          "[solvers][masked]") {
  SolveOptions options;
  options.max_steps = 20;
  const PointField<double> f(1, [](double t, std::span<const double> z, std::span<double> dz, Index row) {
    dz[0] = row == 3 || row == 6 ? -1e7 * (z[0] - std::cos(t)) : -z[0];
  });
  for (const std::int64_t most : {std::int64_t{0}, std::int64_t{20}, std::int64_t{21}, kAnySteps}) {
    CAPTURE(most);
    const std::size_t failed = most < 21 ? 1 : 2;  // each takes 20 steps and counts one more
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), 8);
    state.z().setOnes();
    std::vector<char> active(8, 1);
    active[7] = 0;
    const auto run = [&](std::span<const char> on, std::span<char> bad) {
      return integrate(f, 0, 1, state, options, scratch, counters, {.active = on, .bad = bad});
    };
    const std::vector<Status> failures = masked(state, active, options.max_steps, scratch, run, most);
    CHECK(failures.size() == failed);
    CHECK((failures[0].row == 3 || failures[0].row == 6));
    CHECK(counters.failing == 21 * static_cast<std::int64_t>(failed));
    const bool given_up = most < 42;
    CHECK(std::count(active.begin(), active.end(), char{1}) == (given_up ? 0 : 5));
    for (Index j = 0; j < 7; ++j) CHECK(std::isnan(state.z()(0, j)) == (given_up || j == 3 || j == 6));
    CHECK(state.z()(0, 7) == 0);
  }
}

TEST_CASE("a solve that is asked to stop makes no further step, forwards or backwards", "[solvers][stop]") {
  std::atomic<bool> stop{false};
  std::int64_t left = 0, asked = 0;
  const TanhField<double> tanh(2, Seed{3});
  const PointField<double> f(2, [&](double t, std::span<const double> z, std::span<double> dz, Index) {
    ++asked;
    if (--left == 0) stop = true;
    dz[0] = std::sin(30 * t) * z[1];
    dz[1] = -z[0];
  });
  for (const int fixed : {0, 500}) {
    CAPTURE(fixed);
    SolveOptions options;
    options.fixed_steps = fixed;
    options.rtol = options.atol = 1e-9;
    options.stop = &stop;
    Scratch scratch;
    Counters counters;
    State<double> state(f.blocks(), 1);
    state.z().setOnes();
    std::vector<char> active;
    stop = false, left = 100, asked = 0;
    const auto run = [&](std::span<const char> on, std::span<char> bad) {
      return integrate(f, 0, 10, state, options, scratch, counters, {.active = on, .bad = bad});
    };
    const std::vector<Status> ended = masked(state, active, options.max_steps, scratch, run);
    REQUIRE(ended.size() == 1);
    CHECK((ended[0].code == Status::Code::stopped && ended[0].row == -1));
    CHECK((ended[0].t > 0 && ended[0].t < 10));
    CHECK_THAT(ended[0].message(), Catch::Contains("stopped: asked to end at t = "));
    CHECK(asked < 100 + 7);
    CHECK(state.z().array().isNaN().all());
  }

  Recording<double> record;
  Scratch scratch;
  Counters counters;
  State<double> state(tanh.blocks(), 1);
  state.z().setOnes();
  stop = false;
  REQUIRE(integrate(tanh, 0, 1, state, {.stop = &stop}, scratch, counters, {.record = &record}).ok());
  const Matrix<double> w = Matrix<double>::Ones(2, 1), w_q = Matrix<double>::Ones(1, 1);
  Matrix<double> z_bar(2, 1);
  std::vector<double> params_bar(static_cast<std::size_t>(tanh.parameters()));
  SolveGradient<double> gradient{.z_bar = Out<double>(z_bar.data(), 2, 1), .params_bar = params_bar};
  const Cotangents<double> by{.z = Tile<double>(w.data(), 2, 1), .q = Tile<double>(w_q.data(), 1, 1)};
  CHECK(discrete_adjoint(tanh, record, {}, by, gradient, scratch, counters, &stop).ok());
  stop = true;
  CHECK(discrete_adjoint(tanh, record, {}, by, gradient, scratch, counters, &stop).code == Status::Code::stopped);
}

TEST_CASE("work that fails for a sample that is masked ends with all given up", "[solvers][masked]") {
  std::vector<char> active, flags(4);
  int runs = 0;
  const auto failures = masked(active, flags, 0, [&](std::span<const char>, std::span<char>) {
    ++runs;
    return Status{.code = Status::Code::non_finite, .row = 2};
  });
  CHECK(runs == 2);
  CHECK(failures.size() == 4);
  std::vector<char> few(3, 1);
  const auto never = [](std::span<const char>, std::span<char>) { return Status{}; };
  CHECK_THROWS_AS(masked(few, flags, 0, never), std::invalid_argument);
}

TEST_CASE("flags of another number than samples are refused", "[solvers][masked][arguments]") {
  using Catch::Matchers::Contains;
  const PointField<double> f(1, [](double, std::span<const double> z, std::span<double> dz, Index) { dz[0] = -z[0]; });
  std::vector<char> one(1, 1);
  CHECK_THROWS_WITH(solved<double>(f, 0, 1, Matrix<double>::Ones(1, 4), {}, {.active = one}), Contains("active has 1"));
  CHECK_THROWS_WITH(solved<double>(f, 0, 1, Matrix<double>::Ones(1, 4), {}, {.bad = one}), Contains("bad has 1 flags"));
}

TEST_CASE("a tolerance far below rounding is answered before the first step, for all samples that it is about",
          "[solvers][status]") {
  constexpr Index kSmall = 5;
  const PointField<float> f(1, [](float, std::span<const float> z, std::span<float> dz, Index) { dz[0] = -z[0]; });
  Matrix<float> start = Matrix<float>::Ones(1, 64);
  start(0, kSmall) = 1e-6f;  // float holds this one to 1e-13
  SolveOptions options{.rtol = 1e-9, .atol = 1e-9};
  const SolvedAt<float> s = solve_at(f, {0, 1}, start, {}, options);
  REQUIRE(s.failures.size() == 63);
  CHECK(std::abs(s.z_end(0, kSmall) - std::exp(-1.0) * 1e-6) < 1e-9);
  for (const Status& status : s.failures) {
    CHECK(status.code == Status::Code::too_fine);
    CHECK(status.cause == Status::Cause::float_rounding);
    CHECK((status.row != kSmall && status.t == 0 && status.accepted + status.rejected == 0));
  }
  CHECK(s.failures.front().message() ==
        "too_fine: row 0: 0 steps (0 rejected) reached t = 0; rtol and atol are below what float holds there: solve "
        "in double precision (--precision double), or loosen them");
  CHECK(s.counters.evaluations < 30);  // of the one sample alone
  for (const auto& [rtol, atol] : {std::pair{1e-4, 1e-9}, std::pair{1e-9, 1e-4}, std::pair{1e-7, 1e-7}}) {
    options.rtol = rtol, options.atol = atol;
    CHECK(solve_at(f, {0, 1}, start, {}, options).ok());
  }
}
