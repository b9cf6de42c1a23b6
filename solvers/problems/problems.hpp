// Classic initial value problems with known ends: what methods are measured by, in tests, benchmarks and `cnf solve`.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "solvers/dynamics.hpp"

namespace cnf {

struct Dual;

/// f(t, z, params, dz) of one sample, as numbers and as numbers with their derivative along one direction.
struct Equation {
  template <class S>
  using Function = void (*)(const S& t, std::span<const S> z, std::span<const S> params, std::span<S> dz);

  Function<double> value;
  Function<Dual> dual;
};

/// An initial value problem: z(t_begin) = begin, and z(t_end) = end is known.
struct Problem {
  std::string_view name;
  std::string_view about;                     ///< one line
  std::vector<std::string_view> variables{};  ///< names of the values of z; empty: they have none
  Equation equation;
  Vector<double> params{}, begin{};
  double t_begin = 0, t_end = 0;
  Vector<double> end{};  ///< to 1e-16 in relation to its largest value, for the other numbers as they are here
  bool stiff = false;    ///< stability, not accuracy, decides what an explicit method costs from 1e-6 to 1e-9
  std::string_view source{};

  Index dim() const { return begin.size(); }
  Blocks blocks() const { return {dim(), 0, 0}; }
  /// With jvp, and vjp to z, t and params: every product with the Jacobian is exact; a jvp costs one evaluation,
  /// a vjp one for each input.
  /// Tape: (D + 1) B values.
  std::unique_ptr<Dynamics<double>> dynamics() const;
};

/// detest-a1 to detest-e5, the non-stiff DETEST set (Hull, Enright, Fellen and Sedgwick 1972, SIAM J. Numer. Anal.
/// 9(4), 603-637), then arenstorf, lotka-volterra, van-der-pol, van-der-pol-stiff, robertson, brusselator and
/// harmonic-oscillator.
std::vector<Problem> all_problems();

std::optional<Problem> find_problem(std::string_view name);

}  // namespace cnf
