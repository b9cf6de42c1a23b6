#!/usr/bin/env python3
"""SciPy's Radau on the stiff problems: the constants that tests/solvers/stiff_test.cpp compares with.

    python3 bench/peers/stiff.py

van der Pol's oscillator, mu = 1000, from (2, 0) to t = 2000, and Robertson's reactions from (1, 0, 0) to t = 40, with
their Jacobians. `error` is the largest relative one of a component at the end; `evaluations` count the Jacobian as one
for each of its columns.
"""

import numpy as np
from scipy.integrate import solve_ivp


def van_der_pol(t, z, mu=1000.0):
    return np.array([z[1], mu * (1 - z[0] ** 2) * z[1] - z[0]])


def van_der_pol_jacobian(t, z, mu=1000.0):
    return np.array([[0.0, 1.0], [-2 * mu * z[0] * z[1] - 1, mu * (1 - z[0] ** 2)]])


def robertson(t, z):
    forward, back, pair = 0.04 * z[0], 1e4 * z[1] * z[2], 3e7 * z[1] ** 2
    return np.array([-forward + back, forward - back - pair, pair])


def robertson_jacobian(t, z):
    return np.array(
        [[-0.04, 1e4 * z[2], 1e4 * z[1]], [0.04, -1e4 * z[2] - 6e7 * z[1], -1e4 * z[1]], [0.0, 6e7 * z[1], 0.0]]
    )


# name, field, Jacobian, begin, end of time, atol / rtol, end
PROBLEMS = [
    ("van-der-pol-stiff", van_der_pol, van_der_pol_jacobian, [2.0, 0.0], 2000.0, 1e-3,
     [1.7061677321704650084, -0.00089280970102481654777]),
    ("robertson", robertson, robertson_jacobian, [1.0, 0.0, 0.0], 40.0, 1e-4,
     [0.71582706871940508693, 9.1855347645577639421e-6, 0.28416374574583035529]),
]


def main():
    print("problem,rtol,error,evaluations,steps")
    for name, field, jacobian, begin, t_end, ratio, end in PROBLEMS:
        for rtol in [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8]:
            s = solve_ivp(field, (0, t_end), begin, method="Radau", rtol=rtol, atol=ratio * rtol, jac=jacobian)
            error = np.max(np.abs(s.y[:, -1] / np.array(end) - 1))
            print(f"{name},{rtol:.0e},{error:.3e},{s.nfev + len(begin) * s.njev},{len(s.t) - 1}")


if __name__ == "__main__":
    main()
