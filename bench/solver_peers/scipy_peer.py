"""SciPy's methods: what errors cost them, as JSON lines. scipy_peer.py TRUTH.json, as cnf_bench --work-precision."""
import functools
import json
import sys

import numpy as np
from scipy.integrate import solve_ivp

import problems

METHODS = ("RK23", "RK45", "DOP853", "LSODA")


def main():
    with open(sys.argv[1]) as file:
        truth = json.load(file)["truth"]
    for name, (f, start, span, times) in problems.work_precision().items():
        exact = np.array(truth[name]["states"]).T
        for method in METHODS:
            for digits in range(3, 11):
                solve = functools.partial(solve_ivp, functools.partial(f, np), (0, span), start, method=method,
                                          rtol=10.0**-digits, atol=10.0**-digits)
                seen = solve(dense_output=True).sol(times)
                error = (np.abs(seen - exact).max(0) / np.maximum(1, np.abs(exact).max(0))).max()
                print(json.dumps({"peer": "SciPy", "problem": name, "method": method, "tolerance": 10.0**-digits,
                                  "evaluations": solve().nfev, "error": error}), flush=True)


if __name__ == "__main__":
    main()
