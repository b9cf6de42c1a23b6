#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/tiles.hpp"
#include "flows/training/optimizer.hpp"
#include "flows/training/stage.hpp"

using namespace cnf;

namespace {

Vector<double> vector(std::initializer_list<double> values) {
  Vector<double> x(static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

/// Adam with everything an update may be told.
struct Options {
  AdamOptions adam{};
  UpdateOptions update{};
};

/// A flat vector of weights with Adam's slots, updated.
template <class T>
struct State : Weights<T> {
  explicit State(const Vector<T>& initial) {
    layout.add("params", initial.size(), 1, true);
    static_cast<Weights<T>&>(*this) = Weights<T>(initial, Adam<T>().slots(layout));
  }
  double step(const Vector<T>& g, double rate, const Options& options = {}) {
    return update<T>(*this, layout, Adam<T>(options.adam), {g.data(), static_cast<std::size_t>(g.size())}, rate,
                     options.update);
  }
  const Vector<T>& m() const { return this->slots[0]; }
  const Vector<T>& v() const { return this->slots[1]; }

  Layout layout;
};

}  // namespace

TEST_CASE("the schedule warms up, falls with the root of the step, and to zero at the end", "[flows][optimizer]") {
  for (const std::int64_t steps : {2000, 5000, 100'000}) {
    CAPTURE(steps);
    CHECK(warm_root_fall(0, steps) == 0.01);
    CHECK(warm_root_fall(49, steps) == 0.5);
    for (std::int64_t step = 99; step < 200; step += 7) CHECK(warm_root_fall(step, steps) == 1);
    CHECK(warm_root_fall(799, steps) == 0.5);
    const std::int64_t late = steps / 100 * 91;
    CHECK(warm_root_fall(late, steps) == Approx(0.5 * std::sqrt(200.0 / static_cast<double>(late + 1))));
    CHECK(warm_root_fall(steps, steps) == 0);
    CHECK(warm_root_fall(steps + 10, steps) == 0);
    bool falls = true;
    for (std::int64_t step = 200; step < steps; ++step)
      falls &= warm_root_fall(step + 1, steps) < warm_root_fall(step, steps);
    CHECK(falls);
  }
}

TEST_CASE("the cosine is level to a tenth of the steps and falls from there to zero", "[flows][optimizer]") {
  CHECK(warm_hold_cosine(49, 1000) == 0.5);
  CHECK(warm_hold_cosine(100, 1000) == 1);
  CHECK(warm_hold_cosine(550, 1000) == Approx(0.5));
  CHECK(warm_hold_cosine(1000, 1000) == 0);
}

TEST_CASE("before its free share of the steps the schedule does not depend on their number", "[flows][optimizer]") {
  constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
  bool same = true;
  for (std::int64_t step = 0; step < 2000; ++step)
    for (const std::int64_t steps : {step * 50 / 41 + 1, 2 * step + 3, 20 * step + 1})
      same &= warm_root_fall(step, steps) == warm_root_fall(step, kUnknown);
  CHECK(same);
}

TEST_CASE("the schedule stays between zero and one however few the steps", "[flows][optimizer]") {
  for (std::int64_t steps = 1; steps < 300; ++steps) {
    for (std::int64_t step = 0; step <= steps; ++step)
      if (!(warm_root_fall(step, steps) >= 0 && warm_root_fall(step, steps) <= 1)) FAIL(step << " of " << steps);
    CHECK(warm_root_fall(steps, steps) == 0);
  }
}

TEST_CASE("Adam takes the steps computed by hand", "[flows][optimizer]") {
  const Options options;
  State<double> state(vector({1, -2, 3}));
  CHECK(state.step(vector({3, -4, 0}), 0.1, options) == 5);  // the norm
  // m = (1 - b1) g, v = (1 - b2) g^2: corrected they are g and g^2, so a first step is lr sign(g).
  CHECK(state.params[0] == Approx(1 - 0.1 * 3 / (3 + 1e-8)).epsilon(1e-14));
  CHECK(state.params[1] == Approx(-2 + 0.1 * 4 / (4 + 1e-8)).epsilon(1e-14));
  CHECK(state.params[2] == 3);
  CHECK(state.m()[0] == Approx(0.3));
  CHECK(state.v()[1] == Approx(0.16));
  const double before = state.params[0];
  state.step(vector({1, 0, 0}), 0.1, options);
  const double m = (0.9 * 0.3 + 0.1 * 1) / (1 - 0.81), v = (0.99 * 0.09 + 0.01 * 1) / (1 - 0.9801);
  CHECK(state.params[0] == Approx(before - 0.1 * m / (std::sqrt(v) + 1e-8)).epsilon(1e-13));
  CHECK(state.updates == 2);
}

TEST_CASE("weight decay is decoupled from the gradient", "[flows][optimizer]") {
  Options options;
  options.adam.weight_decay = 0.5;
  State<double> state(vector({2, -4}));
  state.step(vector({0, 0}), 0.1, options);
  CHECK(state.params[0] == Approx(2 * (1 - 0.05)).epsilon(1e-15));
  CHECK(state.params[1] == Approx(-4 * (1 - 0.05)).epsilon(1e-15));
}

TEST_CASE("clipping scales a long gradient to the bound and leaves a short one", "[flows][optimizer]") {
  Options clipped, plain;
  clipped.update.clip = 1;
  const Vector<double> start = vector({1, 1}), g = vector({30, 40});
  State<double> a(start), b(start);
  CHECK(a.step(g, 0.1, clipped) == 50);  // the norm before
  b.step(Vector<double>(g / 50), 0.1, plain);
  CHECK((a.m() - b.m()).cwiseAbs().maxCoeff() < 1e-16);
  CHECK((a.v() - b.v()).cwiseAbs().maxCoeff() < 1e-17);
  State<double> c(start), d(start);
  c.step(vector({0.3, 0.4}), 0.1, clipped);
  d.step(vector({0.3, 0.4}), 0.1, plain);
  CHECK(c.params == d.params);
}

TEST_CASE("the average follows the weights, quickly at first", "[flows][optimizer]") {
  Options options;
  options.update.ema = 0.5;
  State<double> state(vector({0}));
  double average = 0;
  for (int k = 1; k <= 20; ++k) {
    state.step(vector({1}), 0.1, options);
    const double decay = std::min(0.5, (1.0 + k) / (10.0 + k));
    average = decay * average + (1 - decay) * state.params[0];
    CHECK(state.average[0] == Approx(average).epsilon(1e-14));
  }
}

TEST_CASE("a gradient that is not finite changes nothing", "[flows][optimizer]") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e200}) {
    State<double> state(vector({1, 2, 3}));
    state.step(vector({1, 1, 1}), 0.1, {});
    const State<double> before = state;
    CHECK(!std::isfinite(state.step(vector({1, bad, 1}), 0.1, {})));
    CHECK((state.params == before.params && state.average == before.average));
    CHECK((state.m() == before.m() && state.v() == before.v() && state.updates == 1));
  }
}

TEST_CASE("an update refuses a gradient of another size and no threads, and changes nothing", "[flows][optimizer]") {
  State<double> state(vector({1, 2, 3}));
  CHECK_THROWS_AS(state.step(vector({1, 1}), 0.1, {}), std::invalid_argument);
  CHECK_THROWS_AS(state.step(vector({1, 1, 1}), 0.1, {.update = {.threads = 0}}), std::invalid_argument);
  CHECK((state.updates == 0 && state.m().isZero(0) && state.params == vector({1, 2, 3})));
}

TEST_CASE("gaps that are zero stay zero under weight decay", "[flows][optimizer]") {
  Options options;
  options.adam.weight_decay = 0.1;
  State<float> state(Vector<float>::Zero(40));
  Vector<float> g = Vector<float>::Zero(40);
  g[3] = 1;
  for (int k = 0; k < 5; ++k) state.step(g, 0.1, options);
  CHECK(state.params[3] < 0);
  state.params[3] = state.average[3] = 0;
  CHECK((state.params.isZero(0) && state.average.isZero(0)));
}

TEST_CASE("an update has the same bits on any number of threads", "[flows][optimizer]") {
  const Index n = 5 * kRangeUnit + 77;
  const Vector<float> start = Vector<float>::LinSpaced(n, -1, 2), g = Vector<float>::LinSpaced(n, 3, -2).array().sin();
  Options options;
  options.update.clip = 1;
  options.adam.weight_decay = 0.01;
  State<float> alone(start);
  for (int k = 0; k < 3; ++k) alone.step(g, 0.1, options);
  for (const int threads : {2, 3, 4}) {
    State<float> state(start);
    options.update.threads = threads;
    for (int k = 0; k < 3; ++k) state.step(g, 0.1, options);
    CAPTURE(threads);
    CHECK((state.params == alone.params && state.average == alone.average));
    CHECK((state.m() == alone.m() && state.v() == alone.v()));
  }
}
