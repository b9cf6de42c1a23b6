#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "solvers/gradients/recording.hpp"
#include "solvers/watching/observation.hpp"
#include "tests/solvers/jacobian_field.hpp"

using namespace cnf;
using Catch::Matchers::Contains;

namespace {

std::vector<Method> implicit_methods() {
  std::vector<Method> found;
  for (const Method& m : all_methods())
    if (m.needs_jvp() && m.takes_grid()) found.push_back(m);
  return found;
}

constexpr Index kSamples = 8;

/// Solutions (e^sin(t + phase), e^cos(t + phase)), phase = 0.4 j, and q' = |z|^2.
JacobianField<double> waves(bool with_q = false) {
  return {2,
          [](double, const double* y, double* dy, Index) {
            dy[0] = y[0] * std::log(y[1]);
            dy[1] = -y[1] * std::log(y[0]);
          },
          [](double, const double* y, const double* v, double, double* out, Index) {
            out[0] = std::log(y[1]) * v[0] + y[0] / y[1] * v[1];
            out[1] = -y[1] / y[0] * v[0] - std::log(y[0]) * v[1];
          },
          with_q};
}
/// y' = -2 cos(2 t + phase) y^2: y = 1 / (3/2 + sin(2 t + phase)).
JacobianField<double> driven() {
  const auto phase = [](Index j) { return 0.4 * static_cast<double>(j); };
  return {1,
          [phase](double t, const double* y, double* dy, Index j) {
            dy[0] = -2 * std::cos(2 * t + phase(j)) * y[0] * y[0];
          },
          [phase](double t, const double* y, const double* v, double tau, double* out, Index j) {
            out[0] = -4 * std::cos(2 * t + phase(j)) * y[0] * v[0] + 4 * std::sin(2 * t + phase(j)) * y[0] * y[0] * tau;
          }};
}
Matrix<double> driven_at(double t) {
  Matrix<double> z(1, kSamples);
  for (Index j = 0; j < kSamples; ++j) z(0, j) = 1 / (1.5 + std::sin(2 * t + 0.4 * static_cast<double>(j)));
  return z;
}

SolveOptions fixed(const Method& m, int steps) {
  SolveOptions options;
  options.method = m;
  options.fixed_steps = steps;
  return options;
}
SolveOptions adaptive(const Method& m, double tolerance) {
  SolveOptions options;
  options.method = m;
  options.rtol = options.atol = tolerance;
  return options;
}

/// The observed order at the finest of these numbers of steps whose errors stand clear of rounding.
template <class Error>
double slope(const Error& error, int first, int last, double rounding) {
  double coarse = error(first), found = 0;
  for (int steps = 2 * first; steps <= last; steps *= 2) {
    const double fine = error(steps);
    if (fine < rounding) break;
    found = std::log2(coarse / fine);
    coarse = fine;
  }
  return found;
}

double rms(const Matrix<double>& x) { return x.norm() / std::sqrt(static_cast<double>(x.size())); }

}  // namespace

TEST_CASE("implicit methods converge at the order they declare, forwards and backwards in time", "[solvers][order]") {
  for (const Method& m : implicit_methods())
    for (const bool forwards : {true, false})
      for (const bool moving : {true, false}) {
        CAPTURE(std::string(m.name()), forwards, moving);
        const double begin = forwards ? 0 : 6, end = 6 - begin;
        const auto error = [&](int steps) {
          if (moving) return rms(solved(driven(), begin, end, driven_at(begin), fixed(m, steps)).z - driven_at(end));
          return rms(solved(waves(), begin, end, waves(begin, kSamples), fixed(m, steps)).z - waves(end, kSamples));
        };
        const double order = slope(error, 16, 1024, 2e-12);
        CHECK(order > m.order() - 0.15);
        CHECK(order < m.order() + 0.25);
      }
}

TEST_CASE("a quadrature is integrated with the order of its state", "[solvers][order]") {
  const Matrix<double> begin = waves(0, kSamples);
  const Matrix<double> truth = solved(waves(true), 0, 6, begin, adaptive(&kDopri8, 1e-14)).q;
  for (const Method& m : implicit_methods()) {
    CAPTURE(std::string(m.name()));
    const auto error = [&](int steps) { return rms(solved(waves(true), 0, 6, begin, fixed(m, steps)).q - truth); };
    const double order = slope(error, 16, 512, 2e-11);
    CHECK(order > m.order() - 0.15);
    CHECK(order < m.order() + 0.25);
  }
}

TEST_CASE("inside an implicit step the local error has the dense order of the method and one, also backwards",
          "[solvers][dense][order]") {
  for (const Method& m : implicit_methods())
    for (const double direction : {1.0, -1.0}) {
      CAPTURE(std::string(m.name()), direction);
      const auto error = [&](int split) {
        const double end = direction / split;
        double largest = 0;
        std::vector<Observation> at;
        for (const double theta : {0.21, 0.58, 0.83})
          for (Index j = 0; j < kSamples; ++j) at.push_back({theta * end, j});
        Matrix<double> seen(2, std::ssize(at));
        Observer<double> observer(at, waves().blocks(), end > 0, out(seen), {});
        REQUIRE(solved(waves(), 0, end, waves(0, kSamples), fixed(m, 1), {.listener = &observer}).status.ok());
        for (std::size_t i = 0; i < at.size(); ++i)
          largest = std::max(
              largest,
              (seen.col(static_cast<Index>(i)) - waves(at[i].t, kSamples).col(at[i].sample)).cwiseAbs().maxCoeff());
        return largest;
      };
      const double order = slope(error, 4, 256, 2e-13);
      CHECK(order > m.dense_order() + 1 - 0.15);
      CHECK(order < m.dense_order() + 1 + 0.3);
    }
}

TEST_CASE("a value at an implicit step's end has the bits of the state", "[solvers][dense]") {
  for (const Method& m : all_methods()) {
    if (!m.needs_jvp()) continue;
    CAPTURE(std::string(m.name()));
    struct Ends final : StepListener<double> {
      std::vector<double> t;
      Matrix<double> last{2, kSamples}, first{2, kSamples}, up{2, kSamples}, down{2, kSamples}, slope{2, kSamples};
      bool wants(double, double) override { return true; }
      Next look(const DenseStep<double>& step, double*) override {
        t.push_back(step.t_next);
        step(1, 0, last.size(), last.data());
        step(0, 0, first.size(), first.data());
        CHECK(first == Tile<double>(step.y, 2, kSamples));
        for (const double theta : {0.0, 0.3, 1.0}) {
          step(theta + 1e-4, 0, up.size(), up.data());
          step(theta - 1e-4, 0, down.size(), down.data());
          step.slope(theta, 0, slope.size(), slope.data());
          CHECK(((up - down) / (2e-4 * (step.t_next - step.t)) - slope).cwiseAbs().maxCoeff() < 1e-5);
        }
        return Next::go_on;
      }
    } ends;
    const Solved<double> s = solved(waves(), 0, 3, waves(0, kSamples), adaptive(m, 1e-6), {.listener = &ends});
    CHECK(ends.t.size() == static_cast<std::size_t>(s.status.accepted));
    CHECK(ends.last == s.z);
    CHECK(solved(waves(), 0, 3, waves(0, kSamples), adaptive(m, 1e-6)).z == s.z);
  }
}

TEST_CASE("a stiff transient is damped in one step, however stiff", "[solvers][stiff]") {
  for (const Method& m : implicit_methods())
    for (const double lambda : {-1e4, -1e8}) {
      CAPTURE(std::string(m.name()), lambda);
      const Matrix<double> off = Matrix<double>::Constant(1, 1, 2.0);  // cos 0 + 1
      const Solved<double> one = solved(prothero_robinson(lambda), 0, 0.1, off, fixed(m, 1));
      REQUIRE(one.status.ok());
      CHECK(std::abs(one.z(0, 0) - std::cos(0.1)) < 40 / std::abs(0.1 * lambda) + 1e-5);
    }
}

TEST_CASE("on a stiff problem with a smooth solution the error falls with the step, not with the stiffness",
          "[solvers][stiff][order]") {
  for (const Method& m : implicit_methods()) {
    CAPTURE(std::string(m.name()));
    const auto error = [&](double lambda, int steps) {
      const Matrix<double> on = Matrix<double>::Constant(1, 1, 1.0);
      return std::abs(solved(prothero_robinson(lambda), 0, 2, on, fixed(m, steps)).z(0, 0) - std::cos(2.0));
    };
    for (const double lambda : {-1e3, -1e5, -1e7}) {
      CAPTURE(lambda);
      CHECK(error(lambda, 40) < 1e-5);
      CHECK(error(lambda, 160) < 1e-6);
    }
  }
}

TEST_CASE("stiff methods take few steps where an explicit one is held by stability", "[solvers][stiff]") {
  const Matrix<double> off = Matrix<double>::Constant(1, 3, 1.7);
  const std::int64_t explicit_steps = solved(prothero_robinson(-1e5), 0, 3, off,
                                             [] {
                                               SolveOptions o = adaptive(&kDopri5, 1e-5);
                                               o.max_steps = 1'000'000;
                                               return o;
                                             }())
                                          .status.accepted;
  CHECK(explicit_steps > 50'000);
  for (const Method& m : all_methods()) {
    if (!m.needs_jvp()) continue;
    for (const bool forwards : {true, false}) {
      CAPTURE(std::string(m.name()), forwards);
      const Solved<double> s = forwards ? solved(prothero_robinson(-1e5), 0, 3, off, adaptive(m, 1e-5))
                                        : solved(prothero_robinson(1e5), 3, 0, off, adaptive(m, 1e-5));
      REQUIRE(s.status.ok());
      CHECK((s.z.array() - std::cos(forwards ? 3.0 : 0.0)).abs().maxCoeff() < 1e-5);
      CHECK(s.status.accepted < 200);
      CHECK((s.counters.switches > 0) == !m.takes_grid());
    }
    const Matrix<float> off_f = off.cast<float>();
    SolveOptions options = adaptive(m, 1e-4);
    const Solved<float> s = solved<float>(prothero_robinson(-1e5f), 0, 3, off_f, options);
    REQUIRE(s.status.ok());
    CHECK(s.z(0, 0) == Approx(std::cos(3.0)).margin(1e-4));
    CHECK(s.status.accepted < 200);
  }
}

TEST_CASE("an implicit method asks for a dynamics with jvp, at once and by name", "[solvers][stiff]") {
  const auto plain = function_dynamics<double>(1, [](double, auto z, auto dz) { dz[0] = -z[0]; });
  Recording<double> record;
  for (const Method& m : all_methods()) {
    if (!m.needs_jvp()) continue;
    const std::string name(m.name());
    CHECK_THROWS_WITH(solved<double>(plain, 0, 1, Matrix<double>::Ones(1, 1), adaptive(m, 1e-3)),
                      Contains(name) && Contains("no jvp"));
    CHECK_THROWS_WITH(solved<double>(waves(), 0, 1, waves(0, kSamples), adaptive(m, 1e-3), {.record = &record}),
                      Contains(name) && Contains("cannot be recorded"));
    if (!m.takes_grid())
      CHECK_THROWS_WITH(solved<double>(waves(), 0, 1, waves(0, kSamples), fixed(m, 4)),
                        Contains(name) && Contains("fixed_steps"));
  }
}

TEST_CASE("on a fixed grid a batch of B equals B batches of one, by implicit methods too", "[solvers][stiff]") {
  for (const Method& m : implicit_methods())
    for (const Index B : {1, 3, 8}) {
      CAPTURE(std::string(m.name()), B);
      const TanhField<double> f(5, Seed{1});
      const Matrix<double> start = 3 * normals<double>(5, B, Seed{2});
      const Solved<double> together = solved(f, 0, 8, start, fixed(m, 10));
      REQUIRE(together.status.ok());
      for (Index j = 0; j < B; ++j) {
        const Matrix<double> own = start.col(j);
        CHECK(solved(f, 0, 8, own, fixed(m, 10)).z == together.z.col(j));
      }
    }
}

TEST_CASE("masked samples of an implicit solve neither move nor matter", "[solvers][stiff][masked]") {
  for (const Method& m : all_methods()) {
    if (!m.needs_jvp()) continue;
    CAPTURE(std::string(m.name()));
    const TanhField<double> f(3, Seed{1});
    Matrix<double> start = normals<double>(3, 4, Seed{2}), other = start;
    start.col(2).setZero();
    other.col(2).setConstant(0.3);
    const std::vector<char> active{1, 1, 0, 1};
    const Solved<double> a = solved(f, 0, 3, start, adaptive(m, 1e-6), {.active = active});
    const Solved<double> b = solved(f, 0, 3, other, adaptive(m, 1e-6), {.active = active});
    REQUIRE(a.status.ok());
    for (const Index j : {0, 1, 3}) CHECK(a.z.col(j) == b.z.col(j));
    CHECK(a.z.col(2) == start.col(2));
    CHECK(b.z.col(2) == other.col(2));
  }
}

TEST_CASE("equations that Newton cannot solve shrink the step, and on a fixed grid are a status of their own",
          "[solvers][stiff][status]") {
  // |dk| = c k^2 has no solution for large c: y' = y^2 past its pole.
  const JacobianField<double> square(
      1, [](double, const double* y, double* dy, Index) { dy[0] = y[0] * y[0]; },
      [](double, const double* y, const double* v, double, double* out, Index) { out[0] = 2 * y[0] * v[0]; });
  Matrix<double> start = Matrix<double>::Constant(1, 5, 0.1);
  start(0, 3) = 1;
  for (const DirkTableau* m : kAllDirk) {
    CAPTURE(std::string(m->name));
    const Status status = solved(square, 0, 6, start, fixed(m, 3)).status;
    CHECK(status.code == Status::Code::unsolved);
    CHECK(status.row == 3);
    CHECK(status.t < 1);
    CHECK(status.h == 2);
    CHECK_THAT(status.message(),
               Contains("unsolved: row 3: ") && Contains("step of size 2 at t = 0") && Contains("take more steps"));
    SolveOptions options = adaptive(m, 1e-5);
    options.first_step = 2;
    options.max_steps = 500;
    const Status ended = solved(square, 0, 6, start, options).status;
    CHECK_FALSE(ended.ok());
    CHECK(ended.row == 3);
    CHECK(ended.t == Approx(1).margin(0.01));
    const Solved<double> before = solved(square, 0, 0.9, start, options);
    REQUIRE(before.status.ok());
    CHECK(before.status.rejected > 0);
    CHECK(before.z(0, 3) == Approx(10).epsilon(3e-3));
  }
}

TEST_CASE("above 32 dimensions Krylov spaces give what elimination gives", "[solvers][stiff]") {
  // One linear stiff system, of 16 rows or three times beside itself: 48. Rates from 1 to 1e5, mixed by a rotation.
  const Index n = 16;
  Matrix<double> A = Matrix<double>::Zero(n, n);
  const Matrix<double> v = normals<double>(n, 1, Seed{3}).normalized();
  const Matrix<double> H = Matrix<double>::Identity(n, n) - 2 * v * v.transpose();
  for (Index i = 0; i < n; ++i) A(i, i) = -std::pow(10, 5.0 * static_cast<double>(i) / (n - 1));
  A = H * A * H;
  const auto system = [A](Index copies) {
    const auto product = [A, copies](const double* x, double* y) {
      for (Index c = 0; c < copies; ++c) Out<double>(y + c * 16, 16, 1).noalias() = A * Tile<double>(x + c * 16, 16, 1);
    };
    return JacobianField<double>(
        16 * copies,
        [product, copies](double t, const double* z, double* dz, Index) {
          product(z, dz);
          for (Index i = 0; i < 16 * copies; ++i) dz[i] += std::sin(t + static_cast<double>(i % 16));
        },
        [product, copies](double t, const double*, const double* u, double tau, double* out, Index) {
          product(u, out);
          for (Index i = 0; i < 16 * copies; ++i) out[i] += tau * std::cos(t + static_cast<double>(i % 16));
        });
  };
  const Matrix<double> one = normals<double>(n, 3, Seed{4});
  Matrix<double> three(3 * n, 3);
  three << one, one, one;
  for (const Method& m : all_methods()) {
    if (!m.needs_jvp()) continue;
    CAPTURE(std::string(m.name()));
    const SolveOptions options = adaptive(m, 1e-6);
    const Solved<double> dense = solved(system(1), 0, 2, one, options),
                         krylov = solved(system(3), 0, 2, three, options);
    REQUIRE(dense.status.ok());
    REQUIRE(krylov.status.ok());
    for (Index c = 0; c < 3; ++c) CHECK((krylov.z.middleRows(c * n, n) - dense.z).cwiseAbs().maxCoeff() < 2e-6);
    CHECK(10 * std::abs(krylov.status.accepted - dense.status.accepted) <= dense.status.accepted);
    CHECK(krylov.status.accepted < 600);
    if (!m.takes_grid()) continue;
    const Solved<double> together = solved(system(3), 0, 2, three, fixed(m, 12));
    REQUIRE(together.status.ok());
    for (Index j = 0; j < 3; ++j) {
      const Matrix<double> own = three.col(j);
      CHECK(solved(system(3), 0, 2, own, fixed(m, 12)).z == together.z.col(j));
    }
    CHECK((together.z.topRows(n) - solved(system(1), 0, 2, one, fixed(m, 12)).z).cwiseAbs().maxCoeff() < 1e-9);
  }
}

namespace {

constexpr Index kRows = 16, kBad = 5;

/// A field that is ill at row kBad, with its derivatives by z and t; the other rows are z' = -z.
template <class T>
struct Illness {
  std::string name;
  T start;
  T (*f)(T t, T z);
  T (*by_z)(T t, T z);
  T (*by_t)(T t, T z);
  bool must_fail, not_a_number;
  double t_least, t_most;
};

template <class T>
std::vector<Illness<T>> illnesses() {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const auto none = [](T, T) { return T(0); };
  return {{"NaN after one half", 1, [](T t, T z) { return t > T(0.5) ? nan : -z; }, [](T, T) { return T(-1); }, none,
           true, true, 0.45, 0.5001},
          {"infinite after one half", 1, [](T t, T z) { return t > T(0.5) ? inf : -z; }, [](T, T) { return T(-1); },
           none, true, true, 0.45, 0.5001},
          {"NaN from the start", 1, [](T, T) { return nan; }, none, none, true, true, 0, 0},
          {"a Jacobian that is NaN", 1, [](T, T z) { return -z; }, [](T, T) { return nan; }, none, false, false, 0, 1},
          {"square", 2, [](T, T z) { return z * z; }, [](T, T z) { return 2 * z; }, none, true, false, 0.45, 0.5001},
          {"root of a negative number", T(0.01), [](T, T z) { return -1 - std::sqrt(z); },
           [](T, T z) { return T(-0.5) / std::sqrt(z); }, none, true, false, 0, 0.02},
          {"overflow", 1, [](T, T z) { return z * std::numeric_limits<T>::max(); },
           [](T, T) { return std::numeric_limits<T>::max(); }, none, false, false, 0, 1},
          {"jump", 0, [](T t, T) { return t < T(0.5) ? T(1) : T(-1000); }, none, none, false, false, 0.4, 0.6},
          {"chaotic", 1, [](T t, T z) { return 30 * std::sin(50 * z + 100 * t); },
           [](T t, T z) { return 1500 * std::cos(50 * z + 100 * t); },
           [](T t, T z) { return 3000 * std::cos(50 * z + 100 * t); }, false, false, 0, 1},
          {"pole", 1, [](T t, T) { return 1 / (T(0.5) - t); }, none,
           [](T t, T) { return 1 / ((T(0.5) - t) * (T(0.5) - t)); }, false, false, 0.4, 0.5001},
          {"denormal", 0, [](T, T) { return std::numeric_limits<T>::denorm_min(); }, none, none, false, false, 0, 0}};
}

template <class T>
void every_illness_ends() {
  for (const Illness<T>& ill : illnesses<T>())
    for (const Method& m : all_methods())
      for (const T sign : {T(1), T(-1)}) {
        if (!m.needs_jvp()) continue;
        CAPTURE(ill.name, std::string(m.name()), sign);
        const JacobianField<T> field(
            1, [&](T t, const T* z, T* dz, Index j) { dz[0] = sign * (j == kBad ? ill.f(sign * t, z[0]) : -z[0]); },
            [&](T t, const T* z, const T* v, T tau, T* out, Index j) {
              out[0] =
                  j == kBad ? sign * ill.by_z(sign * t, z[0]) * v[0] + ill.by_t(sign * t, z[0]) * tau : -sign * v[0];
            });
        Matrix<T> start = Matrix<T>::Constant(1, kRows, T(0.5));
        start(0, kBad) = ill.start;
        SolveOptions options = adaptive(m, 1e-5);
        options.max_steps = 400;
        const Solved<T> s = solved<T>(field, 0, sign, start, options);
        CHECK(s.status.accepted + s.status.rejected <= options.max_steps);
        if (s.status.ok()) {
          CHECK_FALSE(ill.must_fail);  // what grows without bound may be damped in one step
          CHECK(s.z.allFinite());
          continue;
        }
        CAPTURE(s.status.message());
        CHECK(s.status.row == kBad);
        CHECK(sign * s.status.t >= ill.t_least);
        CHECK(sign * s.status.t <= ill.t_most);
        CHECK(std::isfinite(s.status.h));
        if (ill.not_a_number) CHECK(s.status.code == Status::Code::non_finite);
      }
}

}  // namespace

TEST_CASE("a solve of an ill field by a stiff method ends with a result or a status that says where",
          "[solvers][stiff][status]") {
  SECTION("in double") { every_illness_ends<double>(); }
  SECTION("in float") { every_illness_ends<float>(); }
}
