// Fields that no one should have to solve: each solve of them ends within its budget, and says how and why.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/solvers/jacobian_field.hpp"

using namespace cnf;

namespace {

using Code = Status::Code;
using Cause = Status::Cause;

/// z' = f(t, z) from t_begin to t_end. `ends` lists how a solve may end, with no other cause than one of `causes`.
template <class T>
struct Pathology {
  std::string name;
  double t_begin, t_end;
  T start;
  T (*f)(T t, T z);
  std::vector<Code> ends;
  std::vector<Cause> causes{Cause::unknown};
  double t_least = 0, t_most = 0;  ///< where it ends if it fails
  double tolerance = 1e-5;
  bool stiff = false;  ///< methods for stiff problems solve it
};

template <class T>
std::vector<Pathology<T>> pathologies() {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  constexpr T huge = std::numeric_limits<T>::max() / 10'000, tiny = std::numeric_limits<T>::denorm_min();
  constexpr Cause rounding = sizeof(T) == 4 ? Cause::float_rounding : Cause::double_rounding;
  const std::vector<Code> ok{Code::ok}, held{Code::step_limit, Code::step_underflow}, ill{Code::non_finite},
      any{Code::ok, Code::step_limit, Code::step_underflow};
  return {
      {"blow-up",
       0,
       2,
       1,
       [](T, T z) { return z * z; },
       {Code::step_limit, Code::step_underflow, Code::non_finite},
       {Cause::unknown},
       0.99,
       1.001},
      {"growth beyond the largest number",
       0,
       1,
       1,
       [](T, T z) { return 1000 * z; },
       {Code::step_limit, Code::non_finite},
       {Cause::unknown, Cause::stiffness},
       0,
       0.72},
      {"jump",
       0,
       1,
       0,
       [](T t, T) { return t < T(0.5) ? T(1) : T(-1000); },
       any,
       {Cause::unknown, rounding},
       0.49,
       0.51},
      {"NaN beyond a line",
       0,
       1,
       1,
       [](T, T z) { return z <= T(1.5) ? T(1) : nan; },
       ill,
       {Cause::unknown},
       0.49,
       0.501},
      {"root at 0", 0, 1, 0, [](T, T z) { return std::sqrt(std::abs(z)); }, ok},
      {"root of what becomes negative",
       0,
       1,
       T(0.01),
       [](T, T z) { return -1 - std::sqrt(z); },
       ill,
       {Cause::unknown},
       0,
       0.02},
      {"stiff",
       0,
       1,
       2,
       [](T t, T z) { return T(-1e5) * (z - std::cos(t)); },
       {Code::step_limit},
       {Cause::stiffness},
       0,
       0.99,
       1e-5,
       true},
      {"very stiff",
       0,
       1,
       2,
       [](T t, T z) { return T(-1e9) * (z - std::cos(t)); },
       held,
       {Cause::stiffness},
       0,
       0.01,
       1e-5,
       true},
      {"tolerance below rounding",
       0,
       100,
       1,
       [](T t, T z) { return std::cos(3 * t) * z; },
       {Code::too_fine},
       {rounding},
       0,
       0,
       std::numeric_limits<T>::epsilon() / 1000},
      {"tolerance at rounding",
       0,
       100,
       1,
       [](T t, T z) { return std::cos(3 * t) * z; },
       held,
       {rounding},
       0,
       100,
       std::numeric_limits<T>::epsilon() / 15},
      {"zero", 0, 1, 0, [](T, T) { return T(0); }, ok},
      {"infinite start", 0, 1, inf, [](T, T) { return T(1); }, ill},
      {"NaN from the start", 0, 1, 1, [](T, T) { return nan; }, ill},
      {"1/t from 0", 0, 1, 1, [](T t, T) { return 1 / t; }, ill},
      {"pole inside",
       0,
       1,
       1,
       [](T t, T) { return 1 / (T(0.3) - t); },
       {Code::ok, Code::step_limit, Code::step_underflow, Code::non_finite},
       {Cause::unknown, rounding},
       0.299,
       0.3001},
      {"very long span",
       0,
       1e12,
       1,
       [](T, T z) { return -z; },
       {Code::step_limit},
       {Cause::stiffness},
       0,
       1e5,
       1e-5,
       true},
      {"immense span, slow field", 0, 1e30, 0, [](T, T) { return std::numeric_limits<T>::min(); }, ok},
      {"very short span", 0, 1e-300, 1, [](T, T z) { return -z; }, ok},
      {"short span far from 0",
       1e16,
       1e16 + 1000,
       1,
       [](T t, T z) { return std::cos(t) * z; },
       {Code::ok, Code::step_underflow},
       {Cause::clock},
       1e16,
       1e16 + 1000},
      {"huge values", 0, 1, huge, [](T, T z) { return -z; }, ok},
      {"denormal values", 0, 1, tiny, [](T, T z) { return -z; }, ok},
      {"jumps without end",
       0,
       1,
       0,
       [](T t, T) { return std::sin(1 / (T(0.5) - t)) > 0 ? T(1) : T(-1); },
       any,
       {Cause::unknown, rounding},
       0.3,
       0.6},
      {"NaN at the end alone", 0, 1, 1, [](T t, T z) { return t == 1 ? nan : -z; }, ill, {Cause::unknown}, 0.9, 1},
      {"a field that hides", 0, 1, 0, [](T t, T) { return t > T(0.5) && t < T(0.50001) ? T(1e3) : T(0); }, any},
      {"chatter about a line",
       0,
       1,
       T(0.3),
       [](T, T z) { return z > 0 ? T(-1) : T(1); },
       any,
       {Cause::unknown, Cause::stiffness},
       0.299,
       1},
      {"chaotic",
       0,
       1,
       1,
       [](T t, T z) { return 30 * std::sin(50 * z + 100 * t); },
       any,
       {Cause::unknown, Cause::stiffness},
       0,
       1},
  };
}

/// Of slope(t, z) along (tau, v), by a difference.
template <class T, class Slope>
T derivative(const Slope& slope, T t, T z, T tau, T v) {
  const T size = std::max(std::abs(tau), std::abs(v)), near = std::sqrt(std::numeric_limits<T>::epsilon());
  if (size == 0) return 0;
  const T by = near * std::max({std::abs(z), std::abs(t), T(1)}) / size;
  return (slope(t + by * tau, z + by * v) - slope(t, z)) / by;
}

template <class T>
void each_ends() {
  constexpr std::int64_t kBudget = 1000;
  for (const Pathology<T>& p : pathologies<T>())
    for (const Method& m : all_methods())
      for (const bool forwards : {true, false}) {
        if (!m.is_adaptive()) continue;
        // Backwards the same path is gone along with -t for t.
        const double sign = forwards ? 1 : -1;
        const T flip = static_cast<T>(sign);
        const auto slope = [&p, flip](T t, T z) { return flip * p.f(flip * t, z); };
        const JacobianField<T> f(
            1, [slope](T t, const T* z, T* dz, Index) { dz[0] = slope(t, z[0]); },
            [slope](T t, const T* z, const T* v, T tau, T* out, Index) { out[0] = derivative(slope, t, *z, tau, *v); });
        SolveOptions options;
        options.method = m;
        options.rtol = options.atol = p.tolerance;
        options.max_steps = kBudget;
        const Solved<T> s = solved<T>(f, sign * p.t_begin, sign * p.t_end, Matrix<T>::Constant(1, 1, p.start), options);
        const std::string message = s.status.message();
        CAPTURE(p.name, std::string(m.name()), forwards, message, s.status.stiffness, s.counters.evaluations,
                s.counters.jvps);
        CHECK(s.status.accepted + s.status.rejected <= kBudget);
        CHECK(s.counters.evaluations <= m.evaluations_per_step() * kBudget + 5);
        CHECK(s.counters.jvps <= s.counters.evaluations + 1);
        if (p.stiff && m.needs_jvp())
          CHECK(s.status.ok());
        else
          CHECK(std::count(p.ends.begin(), p.ends.end(), s.status.code) == 1);
        if (s.status.ok()) {
          CHECK(s.z.allFinite());
          CHECK(s.status.t == sign * p.t_end);
          continue;
        }
        CHECK(s.status.row == 0);
        // Float cannot tell values apart where the slopes of "very stiff" are below 50: no error tells adams of it.
        const bool untold = p.name == "very stiff" && sizeof(T) == 4 && m.name() == "adams";
        CHECK((untold || std::count(p.causes.begin(), p.causes.end(), s.status.cause) == 1));
        CHECK(sign * s.status.t >= p.t_least);
        CHECK(sign * s.status.t <= p.t_most);
        const auto says = [&message](const char* text) { return message.find(text) != std::string::npos; };
        CHECK((says("row 0: ") && says("t = ") && says(" rejected)") && says("; ")));
        if (s.status.cause == Cause::float_rounding) CHECK(says("--precision double"));
        if (p.tolerance < 1e-5) CHECK_FALSE(says("max_steps"));
      }
}

}  // namespace

TEST_CASE("every one of the pathological fields ends within its budget, with status, cause and remedy",
          "[solvers][status][pathology]") {
  SECTION("in double") { each_ends<double>(); }
  SECTION("in float") { each_ends<float>(); }
}
