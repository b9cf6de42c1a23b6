"""diffrax's methods in double: what errors cost them, and the times of W9, as JSON lines. diffrax_peer.py TRUTH.json

Evaluations are counted where they happen, by a callback. Times are medians of five blocks of at least 0.2 s, compiled
before. Its step control is the PIDController's default, its norm the RMS over the state.
"""
import functools
import json
import sys
import time

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

import problems

jax.config.update("jax_enable_x64", True)

METHODS = {"Dopri5": diffrax.Dopri5, "Tsit5": diffrax.Tsit5, "Dopri8": diffrax.Dopri8}
MOST_STEPS = 200_000
count = 0


def counted(f):
    def called(_):
        global count
        count += 1

    def field(t, y, args):
        jax.debug.callback(called, t)
        return f(t, y, args)

    return field


def solver(field, method, span, save):
    """(start, args, tolerance) -> states at the times of `save`."""
    def solve(start, args, tolerance):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field), METHODS[method](), 0.0, span, None, start, args=args, saveat=save,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance), max_steps=MOST_STEPS,
            adjoint=diffrax.ForwardMode()).ys

    return jax.jit(solve)


def work_precision(truth):
    global count
    for name, (f, start, span, times) in problems.work_precision().items():
        exact = np.array(truth[name]["states"])
        for method in METHODS:
            solve = solver(counted(lambda t, y, _: f(jnp, t, y)), method, span, diffrax.SaveAt(ts=jnp.array(times)))
            for digits in range(3, 11):
                count = 0
                seen = np.array(solve(jnp.array(start), None, 10.0**-digits))
                jax.effects_barrier()
                error = (np.abs(seen - exact).max(1) / np.maximum(1, np.abs(exact).max(1))).max()
                print(json.dumps({"peer": "diffrax", "problem": name, "method": method, "tolerance": 10.0**-digits,
                                  "evaluations": count, "error": float(error)}), flush=True)


def timed(call):
    """ms of a call, of the fastest block and of the median."""
    jax.block_until_ready(call())
    blocks = []
    for _ in range(5):
        begin, calls = time.perf_counter(), 0
        while time.perf_counter() - begin < 0.2:
            jax.block_until_ready(call())
            calls += 1
        blocks.append(1e3 * (time.perf_counter() - begin) / calls)
    return float(np.median(blocks))


def w9():
    params, begin = (jnp.array(x) for x in problems.systems())
    lotka_volterra = lambda t, y, p: problems.lotka_volterra(jnp, p, y)
    end = diffrax.SaveAt(t1=True)
    for method, ours in (("Dopri5", "dopri5"), ("Dopri8", "dopri8")):
        orbit = solver(lambda t, y, _: problems.arenstorf(jnp, t, y), method, problems.PERIOD, end)
        as_one = solver(lotka_volterra, method, problems.SPAN, end)
        own = jax.jit(jax.vmap(solver(lotka_volterra, method, problems.SPAN, end), in_axes=(1, 1, None)))
        for name, call in ((f"W9-arenstorf-{ours}", lambda: orbit(jnp.array(problems.ARENSTORF), None, 1e-8)),
                           (f"W9-1000-as-one-{ours}-tile", lambda: as_one(begin, params, 1e-8)),
                           (f"W9-1000-own-steps-{ours}", lambda: own(begin, params, 1e-8))):
            print(json.dumps({"peer": "diffrax", "name": name, "ms": timed(call)}), flush=True)


def main():
    with open(sys.argv[1]) as file:
        truth = json.load(file)["truth"]
    w9()
    work_precision(truth)


if __name__ == "__main__":
    main()
