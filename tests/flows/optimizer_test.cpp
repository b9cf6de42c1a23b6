#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/tiles.hpp"
#include "flows/optimizer.hpp"

using namespace cnf;

namespace {

Vector<double> vector(std::initializer_list<double> values) {
  Vector<double> x(static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

}  // namespace

TEST_CASE("the schedule warms up, holds, and falls to zero at the end", "[flows][optimizer]") {
  for (const std::int64_t steps : {2000, 5000, 100'000}) {
    CAPTURE(steps);
    CHECK(schedule(0, steps) == 0.01);
    CHECK(schedule(49, steps) == 0.5);
    for (std::int64_t step = 99; step <= steps / 10; step += 7) CHECK(schedule(step, steps) == 1);
    CHECK(schedule(steps / 10 + (steps - steps / 10) / 2, steps) == Approx(0.5).margin(1e-3));
    CHECK(schedule(steps, steps) == 0);
    CHECK(schedule(steps + 10, steps) == 0);
    bool falls = true;
    for (std::int64_t step = std::max<std::int64_t>(100, steps / 10); step < steps; ++step)
      falls &= schedule(step + 1, steps) < schedule(step, steps);
    CHECK(falls);
  }
}

TEST_CASE("before a tenth of the steps the schedule does not depend on their number", "[flows][optimizer]") {
  constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
  bool same = true;
  for (std::int64_t step = 0; step < 2000; ++step)
    for (const std::int64_t steps : {10 * step, 10 * step + 3, 20 * step + 1})
      same &= steps == 0 || schedule(step, steps) == schedule(step, kUnknown);
  CHECK(same);
}

TEST_CASE("the schedule stays between zero and one however few the steps", "[flows][optimizer]") {
  for (std::int64_t steps = 1; steps < 300; ++steps) {
    for (std::int64_t step = 0; step <= steps; ++step)
      if (!(schedule(step, steps) >= 0 && schedule(step, steps) <= 1)) FAIL(step << " of " << steps);
    CHECK(schedule(steps, steps) == 0);
  }
}

TEST_CASE("Adam takes the steps computed by hand", "[flows][optimizer]") {
  const AdamOptions options;
  AdamState<double> state(vector({1, -2, 3}));
  CHECK(adam_update(state, vector({3, -4, 0}), 0.1, options) == 5);  // the norm
  // m = (1 - b1) g, v = (1 - b2) g^2: corrected they are g and g^2, so a first step is lr sign(g).
  CHECK(state.params[0] == Approx(1 - 0.1 * 3 / (3 + 1e-8)).epsilon(1e-14));
  CHECK(state.params[1] == Approx(-2 + 0.1 * 4 / (4 + 1e-8)).epsilon(1e-14));
  CHECK(state.params[2] == 3);
  CHECK(state.m[0] == Approx(0.3));
  CHECK(state.v[1] == Approx(0.16));
  const double before = state.params[0];
  adam_update(state, vector({1, 0, 0}), 0.1, options);
  const double m = (0.9 * 0.3 + 0.1 * 1) / (1 - 0.81), v = (0.99 * 0.09 + 0.01 * 1) / (1 - 0.9801);
  CHECK(state.params[0] == Approx(before - 0.1 * m / (std::sqrt(v) + 1e-8)).epsilon(1e-13));
  CHECK(state.updates == 2);
}

TEST_CASE("weight decay is decoupled from the gradient", "[flows][optimizer]") {
  AdamOptions options;
  options.weight_decay = 0.5;
  AdamState<double> state(vector({2, -4}));
  adam_update(state, vector({0, 0}), 0.1, options);
  CHECK(state.params[0] == Approx(2 * (1 - 0.05)).epsilon(1e-15));
  CHECK(state.params[1] == Approx(-4 * (1 - 0.05)).epsilon(1e-15));
}

TEST_CASE("clipping scales a long gradient to the bound and leaves a short one", "[flows][optimizer]") {
  AdamOptions clipped, plain;
  clipped.clip = 1;
  const Vector<double> start = vector({1, 1}), g = vector({30, 40});
  AdamState<double> a(start), b(start);
  CHECK(adam_update(a, g, 0.1, clipped) == 50);  // the norm before
  adam_update(b, Vector<double>(g / 50), 0.1, plain);
  CHECK((a.m - b.m).cwiseAbs().maxCoeff() < 1e-16);
  CHECK((a.v - b.v).cwiseAbs().maxCoeff() < 1e-17);
  AdamState<double> c(start), d(start);
  adam_update(c, vector({0.3, 0.4}), 0.1, clipped);
  adam_update(d, vector({0.3, 0.4}), 0.1, plain);
  CHECK(c.params == d.params);
}

TEST_CASE("the average follows the weights, quickly at first", "[flows][optimizer]") {
  AdamOptions options;
  options.ema = 0.5;
  AdamState<double> state(vector({0}));
  double average = 0;
  for (int k = 1; k <= 20; ++k) {
    adam_update(state, vector({1}), 0.1, options);
    const double decay = std::min(0.5, (1.0 + k) / (10.0 + k));
    average = decay * average + (1 - decay) * state.params[0];
    CHECK(state.average[0] == Approx(average).epsilon(1e-14));
  }
}

TEST_CASE("a gradient that is not finite changes nothing", "[flows][optimizer]") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e200}) {
    AdamState<double> state(vector({1, 2, 3}));
    adam_update(state, vector({1, 1, 1}), 0.1, {});
    const AdamState<double> before = state;
    CHECK(!std::isfinite(adam_update(state, vector({1, bad, 1}), 0.1, {})));
    CHECK((state.params == before.params && state.average == before.average));
    CHECK((state.m == before.m && state.v == before.v && state.updates == 1));
  }
}

TEST_CASE("an update refuses a gradient of another size and no threads, and changes nothing", "[flows][optimizer]") {
  AdamState<double> state(vector({1, 2, 3}));
  CHECK_THROWS_AS(adam_update(state, vector({1, 1}), 0.1, {}), std::invalid_argument);
  CHECK_THROWS_AS(adam_update(state, vector({1, 1, 1}), 0.1, {}, 0), std::invalid_argument);
  CHECK((state.updates == 0 && state.m.isZero(0) && state.params == vector({1, 2, 3})));
}

TEST_CASE("gaps that are zero stay zero under weight decay", "[flows][optimizer]") {
  AdamOptions options;
  options.weight_decay = 0.1;
  AdamState<float> state(Vector<float>::Zero(40));
  Vector<float> g = Vector<float>::Zero(40);
  g[3] = 1;
  for (int k = 0; k < 5; ++k) adam_update(state, g, 0.1, options);
  CHECK(state.params[3] < 0);
  state.params[3] = state.average[3] = 0;
  CHECK((state.params.isZero(0) && state.average.isZero(0)));
}

TEST_CASE("an update has the same bits on any number of threads", "[flows][optimizer]") {
  const Index n = 5 * kRangeUnit + 77;
  const Vector<float> start = Vector<float>::LinSpaced(n, -1, 2), g = Vector<float>::LinSpaced(n, 3, -2).array().sin();
  AdamOptions options;
  options.clip = 1;
  options.weight_decay = 0.01;
  AdamState<float> alone(start);
  for (int k = 0; k < 3; ++k) adam_update(alone, g, 0.1, options);
  for (const int threads : {2, 3, 4}) {
    AdamState<float> state(start);
    for (int k = 0; k < 3; ++k) adam_update(state, g, 0.1, options, threads);
    CAPTURE(threads);
    CHECK((state.params == alone.params && state.average == alone.average));
    CHECK((state.m == alone.m && state.v == alone.v));
  }
}
