#include <catch2/catch.hpp>

#include "solvers/problems/problems.hpp"
#include "solvers/slope.hpp"
#include "solvers/stepper.hpp"

namespace cnf {

/// One row of the family: what options and the command line ask of a method. y1 = y0 + h f(t + h/2, (y0 + y1) / 2), by
/// `sweeps` fixed-point iterations, which converge for h |df/dy| < 2. Symplectic.
struct MidpointRule {
  static constexpr int order = 2, embedded_order = 0;
  std::string_view name = "implicit-midpoint";
  int sweeps = 12;

  constexpr int dense_order() const { return 1; }
  constexpr int evaluations_per_step() const { return 1 + sweeps; }
  constexpr bool has_transpose() const { return false; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_jvp() const { return false; }
  constexpr bool needs_equal_steps() const { return false; }
};

template <class T>
class MidpointStepper final : public Stepper<T> {
 public:
  MidpointStepper(const Slope<T>& slope, const MidpointRule& rule)
      : slope_(slope),
        sweeps_(rule.sweeps),
        n_(slope.shape.size()),
        k_(slope.scratch.template take<T>(n_)),
        middle_(slope.scratch.template take<T>(n_)) {}

  const T* open(double t, const T* y) override {
    t_ = t, y_ = y;
    slope_(t, y, k_, nullptr);
    return k_;
  }
  bool attempt(double t_next, T* y_next, T*) override {
    const double h = t_next - t_;
    for (int i = 0; i < sweeps_; ++i) {
      for (Index r = 0; r < n_; ++r) middle_[r] = y_[r] + static_cast<T>(h / 2) * k_[r];
      slope_(t_ + h / 2, middle_, k_, nullptr);
    }
    for (Index r = 0; r < n_; ++r) y_next[r] = y_[r] + static_cast<T>(h) * k_[r];
    return true;
  }
  DenseStep<T> dense(double t_next, const T*) override {  // along the chord: y + theta h k
    return {t_, t_next, y_, 1, {k_}, nullptr, [](const void*, double theta, double* w, double* dw) {
              w[0] = theta;
              if (dw) dw[0] = 1;
            }};
  }
  void accept(double, double) override {}

 private:
  const Slope<T>& slope_;
  int sweeps_;
  Index n_;
  T *k_, *middle_;
  double t_ = 0;
  const T* y_ = nullptr;
};

TEST_CASE("a stepper takes the steps that the loop asks for", "[extending]") {
  const Problem p = *find_problem("harmonic-oscillator");
  const auto field = p.dynamics();
  Scratch scratch;
  Counters counters;
  const Slope<double> slope{*field, {p.blocks(), 1}, {}, scratch, counters};
  const auto solve = [&](int steps) {  // what the loop of integrate.cpp does on a grid
    const Scratch::Frame frame(scratch);
    MidpointStepper<double> stepper(slope, {});
    Vector<double> y = p.begin, y_next(2);
    for (int n = 0; n < steps; ++n) {
      const double t = p.t_end * n / steps, t_next = p.t_end * (n + 1) / steps;
      stepper.open(t, y.data());
      stepper.attempt(t_next, y_next.data(), nullptr);
      double half[2];
      stepper.dense(t_next, y_next.data())(0.5, 0, 2, half);
      CHECK(half[0] == Approx((y[0] + y_next[0]) / 2).margin(1e-12));
      y.swap(y_next);
      stepper.accept(t_next, (n + 1.0) / steps);
    }
    return y;
  };
  const auto error = [&](int steps) { return (solve(steps) - p.end).norm(); };
  CHECK(std::log2(error(2000) / error(4000)) == Approx(2).margin(0.01));
  const auto energy = [](const Vector<double>& y) { return 9 * y[0] * y[0] + y[1] * y[1]; };
  CHECK(energy(solve(2000)) == Approx(energy(p.begin)).epsilon(1e-12));  // no explicit method keeps it
}

}  // namespace cnf
