// Listeners that stop or restart a solve, roots, and events found inside steps.
#include "solvers/watching/event.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "solvers/gradients/recording.hpp"
#include "solvers/watching/dual_event.hpp"
#include "tests/solvers/fields.hpp"
#include "tests/solvers/gradients.hpp"

using namespace cnf;

namespace {

constexpr double kTolerance = 1e-7;  // of a solver that is told no other

/// Answers by a function of the number of steps taken and the state.
struct Answering final : StepListener<double> {
  std::function<Next(Index, const DenseStep<double>&, double*)> answer;
  Index steps = 0;
  std::vector<double> times{};

  explicit Answering(std::function<Next(Index, const DenseStep<double>&, double*)> f) : answer(std::move(f)) {}
  bool wants(double, double) override { return true; }
  Next look(const DenseStep<double>& step, double* y) override {
    times.push_back(step.t_next);
    return answer(++steps, step, y);
  }
};

/// z'' = -z of every sample, and a clock: z = (sin, cos) of t from (0, 1).
template <class T>
auto oscillator() {
  return function_dynamics<T>(2, [](T, std::span<const T> z, std::span<T> dz) {
    dz[0] = z[1];
    dz[1] = -z[0];
  });
}

template <class T>
struct Ended {
  std::vector<typename EventFinder<T>::Found> found;
  Matrix<T> z, at_event;
  std::vector<char> active;
  Solved<T> solved;
};

template <class T>
Ended<T> ended(const Dynamics<T>& f, double t_begin, double t_end, const Matrix<T>& start,
               const std::vector<Event<T>>& events, const SolveOptions& options, int scan = 4) {
  Ended<T> r;
  r.active.assign(static_cast<std::size_t>(start.cols()), 1);
  EventFinder<T> finder(events, scan, {f.blocks(), start.cols()}, t_end, r.active);
  r.solved = solved(f, t_begin, t_end, start, options, {.listener = &finder, .active = r.active});
  REQUIRE(r.solved.status.ok());
  r.found.assign(finder.found().begin(), finder.found().end());
  r.z = r.solved.z;
  r.at_event = finder.z();
  return r;
}

Matrix<double> phases(const std::vector<double>& at) {
  Matrix<double> z(2, std::ssize(at));
  for (Index b = 0; b < z.cols(); ++b) {
    const double phase = at[static_cast<std::size_t>(b)];
    z.col(b) << std::sin(phase), std::cos(phase);
  }
  return z;
}

}  // namespace

TEST_CASE("a solve ends well where its listener stops it", "[solvers][events]") {
  const TanhField<double> f(3, Seed{1});
  const Matrix<double> start = normals<double>(3, 4, Seed{2});
  for (const char* text : {"rk4:9", "dopri5", "bosh3", "abm4:9"})
    for (const bool forwards : {true, false}) {
      CAPTURE(text, forwards);
      const double begin = forwards ? 0.2 : 2.0, end = forwards ? 2.0 : 0.2;
      Recording<double> record;
      Matrix<double> after_four;
      Answering keeping([&](Index n, const auto&, double* y) {
        if (n == 4) after_four = Tile<double>(y, 3, 4);
        return Next::go_on;
      });
      solved(f, begin, end, start, solver(text, kTolerance), {.record = &record, .listener = &keeping});
      REQUIRE(record.steps() > 4);
      Answering listener([](Index n, const auto&, double*) { return n == 4 ? Next::stop : Next::go_on; });
      const Solved<double> s = solved(f, begin, end, start, solver(text, kTolerance), {.listener = &listener});
      CHECK(s.status.ok());
      CHECK(s.status.t == record.t(4));
      CHECK(s.status.accepted == 4);
      CHECK(s.z == after_four);
    }
}

TEST_CASE("a changed state goes on as a solve that begins with it", "[solvers][events]") {
  const TanhField<double> f(3, Seed{1});
  const Matrix<double> start = normals<double>(3, 4, Seed{2});
  for (const char* text : {"rk4:8", "dopri5:8", "abm4:16"}) {
    CAPTURE(text);
    SolveOptions options = solver(text, kTolerance);
    const int half = options.fixed_steps / 2;
    Answering halving([half](Index n, const auto&, double* y) {
      if (n != half) return Next::go_on;
      for (int r = 0; r < 12; ++r) y[r] /= 2;
      return Next::restart;
    });
    const Solved<double> s = solved(f, 0, 2, start, options, {.listener = &halving});
    CHECK(s.status.accepted == 2 * half);
    options.fixed_steps = half;
    const Matrix<double> middle = solved(f, 0, 1, start, options).z / 2;
    CHECK((s.z - solved(f, 1, 2, middle, options).z).cwiseAbs().maxCoeff() < 1e-15);
  }
  // Adaptive, with the slope at a step's end kept for the next: the answer is that of two solves.
  SolveOptions options = solver("dopri5", 1e-9);
  options.stops = {0.5, 1};
  Answering halving([](Index, const auto& step, double* y) {
    if (step.t_next != 1) return Next::go_on;
    for (int r = 0; r < 12; ++r) y[r] /= 2;
    return Next::restart;
  });
  const Solved<double> s = solved(f, 0, 2, start, options, {.listener = &halving});
  const Matrix<double> middle = solved(f, 0, 1, start, options).z / 2;
  options.stops.clear();
  CHECK((s.z - solved(f, 1, 2, middle, options).z).cwiseAbs().maxCoeff() < 1e-9);

  Recording<double> record;
  Answering changing([](Index, const auto&, double*) { return Next::restart; });
  CHECK_THROWS_WITH(solved(f, 0, 2, start, solver("rk4:8", kTolerance), {.record = &record, .listener = &changing}),
                    Catch::Matchers::Contains("recording"));
}

TEST_CASE("the slope of a dense step is its values' derivative by time", "[solvers][events][dense]") {
  const TanhField<double> f(3, Seed{1});
  const Matrix<double> start = normals<double>(3, 4, Seed{2});
  for (const char* text : {"euler:5", "rk4:5", "dopri5", "dopri8", "tsit5", "bosh3", "fehlberg45", "abm4:9", "adams"}) {
    CAPTURE(text);
    Answering listener([](Index, const DenseStep<double>& step, double*) {
      for (const double theta : {0.1, 0.5, 0.83}) {
        constexpr double kSmall = 1e-3;
        std::array<double, 12> slope, a, b, c, d;
        step.slope(theta, 0, 12, slope.data());
        step(theta - 2 * kSmall, 0, 12, a.data());
        step(theta - kSmall, 0, 12, b.data());
        step(theta + kSmall, 0, 12, c.data());
        step(theta + 2 * kSmall, 0, 12, d.data());
        for (std::size_t r = 0; r < 12; ++r) {
          const double by_theta = (8 * (c[r] - b[r]) - (d[r] - a[r])) / (12 * kSmall);
          CHECK(slope[r] == Approx(by_theta / (step.t_next - step.t)).margin(1e-10));
        }
      }
      return Next::go_on;
    });
    solved(f, 1.7, 0.4, start, solver(text, kTolerance), {.listener = &listener});
  }
}

TEST_CASE("a root is found to rounding in few evaluations, and in no more than bisection's", "[solvers][events]") {
  int evaluations = 0;
  const auto root = [&](const std::function<double(double)>& f, double a, double b) {
    evaluations = 0;
    return find_root(
        [&](double x) {
          ++evaluations;
          return f(x);
        },
        a, f(a), b, f(b));
  };
  CHECK(std::abs(root([](double x) { return x * x - 0.5; }, 0, 1) - std::sqrt(0.5)) < 5e-16);
  CHECK(evaluations <= 10);
  CHECK(std::abs(root([](double x) { return std::exp(x) - 2; }, 0, 1) - std::log(2)) < 5e-16);
  CHECK(evaluations <= 10);
  CHECK(root([](double x) { return 0.25 - x; }, 0, 1) == Approx(0.25).epsilon(1e-15));
  // Worst for the secant: flat, a jump, a triple root.
  CHECK(std::abs(root([](double x) { return std::pow(x, 25) - 1e-9; }, 0, 1) - std::pow(1e-9, 0.04)) < 5e-16);
  CHECK(evaluations <= 54);
  CHECK(std::abs(root([](double x) { return x < 0.3 ? -1e-9 : 1e9; }, 0, 1) - 0.3) < 5e-16);
  CHECK(evaluations <= 54);
  CHECK(root([](double x) { return x < 0.3 ? -1.0 : 1.0; }, 0, 1) >= 0.3);
  root([](double x) { return std::pow(x - 0.3, 3); }, 0, 1);
  CHECK(evaluations <= 54);
  // The far side: the sign has changed where it ends.
  for (const double at : {0.1, 0.37, 0.9}) CHECK(root([at](double x) { return std::sin(x - at); }, 0, 1) >= at);
}

TEST_CASE("every sample ends at its own event, to the order of the dense step, in either direction of time",
          "[solvers][events]") {
  const std::vector<double> phase{0.3, -1.1, 2.0, 1.2};
  for (const char* text : {"dopri5", "tsit5", "bosh3", "rk4:200", "abm5:400", "dopri8:60", "adams"})
    for (const double direction : {1.0, -1.0}) {
      CAPTURE(text, direction);
      const auto f = oscillator<double>();
      // cos t falls through 0.2 at phase t = acos(0.2), forwards; backwards it falls at -acos(0.2).
      const std::vector<Event<double>> events{level_event<double>(1, 0.2, Crossing::falling)};
      const Ended<double> r = ended(f, 0, direction * 9, phases(phase), events, solver(text, 1e-10));
      CHECK(r.found.size() == 4);
      for (const auto& [b, event, at, where] : r.found) {
        const double begin = phase[static_cast<std::size_t>(b)], target = direction * std::acos(0.2);
        double way = direction * (target - begin);
        while (way < 0) way += 2 * M_PI;
        CHECK(at == Approx(direction * way).margin(3e-7));
        CHECK(r.z.col(b) == r.at_event.col(b));
        CHECK(std::abs(r.z(1, b) - 0.2) < 1e-15);
        CHECK(event == 0);
        CHECK(r.active[static_cast<std::size_t>(b)] == 0);
      }
      CHECK(std::abs(r.solved.status.t) < 9);  // not one step after the last event
    }
}

TEST_CASE("after its event a sample stands still, and the others are as without it", "[solvers][events]") {
  const TanhField<double> f(3, Seed{3});
  const Matrix<double> start = normals<double>(3, 5, Seed{4});
  for (const char* text : {"rk4:12", "dopri5:12", "abm4:24"}) {
    CAPTURE(text);
    const Solved<double> plain = solved(f, 0, 3, start, solver(text, kTolerance));
    // Sample 2 alone ends, by its own event.
    const double level = (start(0, 2) + plain.z(0, 2)) / 2;
    const std::vector<Event<double>> events{
        {.g = [&, level](double, std::span<const double> z) { return z[0] - level; }}};
    std::vector<char> active(5, 1);
    EventFinder<double> finder(events, 2, {f.blocks(), 5}, 3, active);
    const Solved<double> s = solved(f, 0, 3, start, solver(text, kTolerance), {.listener = &finder, .active = active});
    bool ended_2 = false;
    for (const auto& found : finder.found()) {
      CHECK(s.z.col(found.sample) == finder.z().col(found.sample));
      ended_2 = ended_2 || found.sample == 2;
    }
    CHECK(ended_2);
    for (Index b = 0; b < 5; ++b)
      if (active[static_cast<std::size_t>(b)]) {
        CHECK(s.z.col(b) == plain.z.col(b));
        CHECK(s.q.col(b) == plain.q.col(b));
      }
  }
}

TEST_CASE("the first of several events ends a sample, and crossings of the other direction are passed",
          "[solvers][events]") {
  const auto f = oscillator<double>();
  const Matrix<double> start = phases({0, 0, 0});
  // (sin, cos): cos falls through 0 at pi / 2, sin falls through 0 at pi, and rises through 0 at 2 pi.
  const auto end_of = [&](const std::vector<Event<double>>& events, const char* method) {
    return ended(f, 0, 10, start, events, solver(method, 1e-9)).found.front();
  };
  for (const char* method : {"dopri5", "dopri8:3"}) {
    CAPTURE(method);
    const double margin = std::string(method) == "dopri5" ? 1e-7 : 0.05;
    const auto both = end_of({level_event<double>(0, 0, Crossing::falling), level_event<double>(1)}, method);
    CHECK(both.event == 1);
    CHECK(both.at == Approx(M_PI / 2).margin(margin));
    CHECK(end_of({level_event<double>(0, 0, Crossing::falling)}, method).at == Approx(M_PI).margin(margin));
    // It starts on sin = 0, which is no crossing.
    CHECK(end_of({level_event<double>(0, 0, Crossing::rising)}, method).at == Approx(2 * M_PI).margin(4 * margin));
    CHECK(end_of({level_event<double>(0)}, method).at == Approx(M_PI).margin(margin));
  }
}

TEST_CASE("two crossings inside one step are seen if a point looked at lies between them", "[solvers][events]") {
  // One step of length 1, in which z = t (1 - t) - 0.2 is above 0 from 0.276 to 0.724.
  const auto f =
      function_dynamics<double>(1, [](double t, std::span<const double>, std::span<double> dz) { dz[0] = 1 - 2 * t; });
  const Matrix<double> start = Matrix<double>::Constant(1, 1, -0.2);
  const std::vector<Event<double>> events{level_event<double>(0)};
  CHECK(ended(f, 0, 1, start, events, solver("rk4:1", kTolerance), 0).found.empty());
  const auto found = ended(f, 0, 1, start, events, solver("rk4:1", kTolerance), 1).found;
  REQUIRE(found.size() == 1);
  CHECK(found[0].at == Approx(0.5 - std::sqrt(0.05)).epsilon(1e-14));
}

TEST_CASE("an event may be of time alone, touch 0 exactly, or have no value", "[solvers][events]") {
  const auto f = oscillator<double>();
  const Matrix<double> start = phases({0, 1});
  const auto at_time = [](double when) {
    return std::vector<Event<double>>{
        {.g = [when](double t, std::span<const double>) { return t - when; }, .crossing = Crossing::rising}};
  };
  for (const auto& found : ended(f, 0, 2, start, at_time(1.3), solver("dopri5", kTolerance)).found)
    CHECK(found.at == Approx(1.3).epsilon(1e-15));
  CHECK(ended(f, 0, 2, start, at_time(2), solver("rk4:8", kTolerance)).found.size() == 2);
  CHECK(ended(f, 0, 2, start, at_time(1), solver("rk4:8", kTolerance)).found.front().at == 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Event<double>> nothing{{.g = [nan](double, std::span<const double>) { return nan; }}},
      gap{{.g = [nan](double t, std::span<const double>) { return t > 0.8 && t < 1.2 ? nan : 1; }}};
  CHECK(ended(f, 0, 2, start, nothing, solver("rk4:8", kTolerance)).found.empty());
  CHECK(ended(f, 0, 2, start, gap, solver("rk4:8", kTolerance)).found.empty());
  // Two between the same points: the earlier counts, not the first in the list.
  std::vector<Event<double>> two = at_time(0.7);
  two.push_back(at_time(0.3).front());
  CHECK(ended(f, 0, 1, start, two, solver("rk4:1", kTolerance), 0).found.front().event == 1);
}

TEST_CASE("events in float are found to float's rounding", "[solvers][events]") {
  const auto f = oscillator<float>();
  const Matrix<float> start = phases({0.3, -1.1, 2.0}).cast<float>();
  const std::vector<Event<float>> events{dual_event<2, float>([](auto, auto z) { return z[1] - 0.2; })};
  for (const auto& [b, event, at, where] : ended<float>(f, 0, 9, start, events, solver("dopri5", 1e-6)).found) {
    const double phase = std::atan2(start(0, b), start(1, b)) + at;
    CHECK(std::cos(phase) == Approx(0.2).margin(3e-5));
  }
}

TEST_CASE("an event's gradient by dual numbers is that by hand", "[solvers][events]") {
  const auto event = dual_event<2, double>([](auto t, auto z) {
    using std::sin;
    return z[0] * z[1] - sin(t * z[1]);
  });
  const std::vector<double> z{0.7, -1.3};
  std::vector<double> g_z(2);
  const double t = 0.4, c = std::cos(t * z[1]);
  CHECK(event.g(t, z) == Approx(z[0] * z[1] - std::sin(t * z[1])));
  CHECK(event.gradient(t, z, g_z) == Approx(-z[1] * c));
  CHECK(g_z[0] == Approx(z[1]));
  CHECK(g_z[1] == Approx(z[0] - t * c));
  CHECK(level_event<double>(1, 0.5).gradient(t, z, g_z) == 0);
  CHECK(g_z == std::vector<double>{0, 1});
}

TEST_CASE("events that make no sense are refused", "[solvers][events][arguments]") {
  using Catch::Matchers::Contains;
  std::vector<char> active(2, 1);
  const std::vector<Event<double>> none{{}}, plain{{.g = [](double, auto z) { return z[0]; }}};
  const Shape shape{{2, 0, 0}, 2};
  CHECK_THROWS_WITH(EventFinder<double>(none, 4, shape, 1, active), Contains("event 0 has no g"));
  CHECK_THROWS_WITH(EventFinder<double>(plain, -1, shape, 1, active), Contains("scan is -1"));
  CHECK_THROWS_WITH(EventFinder<double>(plain, 4, Shape{{2, 0, 0}, 3}, 1, active), Contains("2 flags for 3 samples"));
  CHECK_THROWS_WITH(EventFinder<double>(plain, 4, Shape{{2, 0, 1}, 2}, 1, active), Contains("s block"));
  CHECK_THROWS_WITH(check_events("f", std::span<const Event<double>>(plain), true),
                    Contains("f: event 0 has no gradient"));
}
