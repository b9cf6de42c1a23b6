#!/usr/bin/env python3
"""Writes tests/solvers/scipy_errors.hpp: what SciPy's errors on DETEST are at each tolerance. record_scipy.py FILE

Truth is DOP853 at 1e-13, started anew at every whole time. Needs SciPy alone (requirements.txt has its version).
"""
import functools
import pathlib
import sys

import numpy as np
import scipy
from scipy.integrate import solve_ivp

import problems

METHODS, DIGITS = ("RK23", "RK45", "DOP853"), range(3, 11)


def truth(f, start, times):
    """The states at the times, as columns."""
    columns, t, y = [], 0.0, start
    for end in times:
        y = solve_ivp(f, (t, end), y, method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        columns.append(y)
        t = end
    return np.stack(columns, 1)


def errors(f, start, times, exact, method, tolerance):
    """At each of the times: the largest of a component, relative to the largest component or 1."""
    solution = solve_ivp(f, (0, times[-1]), start, method=method, rtol=tolerance, atol=tolerance, dense_output=True)
    return np.abs(solution.sol(times) - exact).max(0) / np.maximum(1, np.abs(exact).max(0))


def main():
    rows = []
    for name, (f, start, _, times) in problems.detest().items():
        f = functools.partial(f, np)
        exact = truth(f, start, times)
        for method in METHODS:
            at = [errors(f, start, times, exact, method, 10.0**-d) for d in DIGITS]
            path, end = (", ".join(f"{x:.3g}" for x in part) for part in ([e.max() for e in at], [e[-1] for e in at]))
            rows.append(f'    {{"{method}", "{name}",\n     {{{path}}},\n     {{{end}}}}},')
    text = f"""// What SciPy {scipy.__version__} does on DETEST. Written by bench/solver_peers/record_scipy.py.
#pragma once

#include <array>
#include <string_view>

namespace cnf {{

inline constexpr int kLeastDigits = 3, kMostDigits = 10;

/// Errors of solve_ivp at rtol = atol = 1e-3, ... 1e-10, each the largest of a component in relation to the largest
/// component, or to 1 if that is larger: the largest at t = 1, 2, ... 20 by its dense output, and that at t = 20.
struct ScipyErrors {{
  std::string_view method, problem;
  std::array<double, kMostDigits - kLeastDigits + 1> path, end;
}};

// clang-format off
inline constexpr std::array<ScipyErrors, {len(rows)}> kScipyErrors{{{{
{chr(10).join(rows)}
}}}};
// clang-format on

}}  // namespace cnf
"""
    pathlib.Path(sys.argv[1]).write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
