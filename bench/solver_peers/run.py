#!/usr/bin/env python3
"""Ours beside SciPy's and diffrax's solvers, as Markdown: run.py CNF_BENCH

Evaluations at equal error on DETEST and on a trained flow, and W9's times. Makes build/solver-peers-venv from
requirements.txt first, if it is not there as pinned (PyPI, 600 MB); then it takes about five minutes.
"""
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
sys.path.append(str(HERE.parent / "peers"))
from machine import machine, today  # noqa: E402

# Ours, the peer's method, whether that is the same one.
PAIRS = [("bosh3", "SciPy", "RK23", True), ("dopri5", "SciPy", "RK45", True), ("dopri5", "diffrax", "Dopri5", True),
         ("tsit5", "diffrax", "Tsit5", True), ("dopri8", "diffrax", "Dopri8", True),
         ("dopri8", "SciPy", "DOP853", False), ("adams", "SciPy", "LSODA", False), ("adams", "SciPy", "DOP853", False),
         ("adams", "diffrax", "Dopri8", False)]
OURS = ("dopri5", "tsit5", "dopri8")


def environment():
    """The interpreter of build/solver-peers-venv, which holds exactly what requirements.txt says."""
    venv, wanted = BUILD / "solver-peers-venv", HERE / "requirements.txt"
    python, installed = venv / "bin" / "python", venv / "requirements.txt"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        print("solver peers: installing into build/solver-peers-venv", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True, stdout=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--requirement", wanted], check=True, stdout=sys.stderr)
        shutil.copyfile(wanted, installed)
    return python


def curves(points):
    """(peer, method, problem) -> [(log error, log evaluations)], by falling tolerance."""
    found = {}
    for p in sorted(points, key=lambda p: -p["tolerance"]):
        key = (p.get("peer", "cnf"), p["method"], p["problem"])
        found.setdefault(key, []).append((math.log(max(p["error"], 1e-16)), math.log(p["evaluations"])))
    return found


def at(curve, error):
    """Log of the evaluations for this error: of the first segment that has it, or None."""
    for (e0, n0), (e1, n1) in zip(curve, curve[1:]):
        if (e0 - error) * (e1 - error) <= 0 and e0 != e1:
            return n0 + (n1 - n0) * (error - e0) / (e1 - e0)
    return None


def mean(values):
    return sum(values) / len(values)


def geometric(logs, form=".2f"):
    return format(math.exp(mean(logs)), form) if logs else "-"


def ratios(found, ours, theirs, problem, tightest):
    """Logs of ours over theirs at each of our errors that theirs reach; with `tightest` of errors below 1e-7 alone."""
    theirs_curve = found[(*theirs, problem)]
    pairs = [(n, at(theirs_curve, e)) for e, n in found[("cnf", ours, problem)] if not tightest or e < math.log(1e-7)]
    return [n - m for n, m in pairs if m is not None]


def comparison(found, problems):
    print("| Ours | Theirs | DETEST | errors below 1e-7 | worst problem | trained flow |\n|---|---|---|---|---|---|")
    for ours, peer, method, same in PAIRS:
        each = {p: mean(r) for p in problems if (r := ratios(found, ours, (peer, method), p, False))}
        tight = [mean(r) for p in problems if (r := ratios(found, ours, (peer, method), p, True))]
        flow = ratios(found, ours, (peer, method), "flow", False)
        worst = max(each, key=each.get)
        print(f"| {ours} | {peer} {method}{'' if same else ' (another method)'} | {geometric(list(each.values()))} "
              f"| {geometric(tight)} | {worst} {math.exp(each[worst]):.2f} | {geometric(flow)} |")


def best(found, problems):
    """Evaluations of each of ours and theirs for an error, means over the problems that all of them reach it in."""
    methods = [("cnf", m) for m in (*OURS, "adams")] + [
        ("SciPy", m) for m in ("RK45", "DOP853", "LSODA")] + [("diffrax", m) for m in ("Dopri5", "Tsit5", "Dopri8")]
    print("| Error | problems | " + " | ".join(f"{peer} {m}" for peer, m in methods) + " |")
    print("|---|---|" + "---|" * len(methods))
    for digits in range(4, 10):
        rows = [[at(found[(*m, p)], -digits * math.log(10)) for m in methods] for p in (*problems, "flow")]
        rows = [r for r in rows if None not in r]
        if rows:
            cells = (geometric(column, ".0f") for column in zip(*rows))
            print(f"| 1e-{digits} | {len(rows)} | " + " | ".join(cells) + " |")


def times(ours, theirs):
    print("| W9, double, 1e-8, one thread | ours, ms | diffrax, ms | ratio |\n|---|---|---|---|")
    for row in theirs:
        mine = next(r["ms"] for r in ours if r["name"] == row["name"])
        print(f"| {row['name']} | {mine:.3f} | {row['ms']:.3f} | {row['ms'] / mine:.1f} |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    python, bench = environment(), sys.argv[1]
    truth = BUILD / "work_precision.json"
    truth.write_text(subprocess.run([bench, "--work-precision"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    w9 = json.loads(subprocess.run([bench, "--only", "W9", "--json"], check=True, stdout=subprocess.PIPE).stdout)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])  # XLA's pool has as many threads as processors
    rows = []
    for peer in ("diffrax_peer.py", "scipy_peer.py"):
        said = subprocess.run([python, "-B", HERE / peer, truth], check=True, stdout=subprocess.PIPE, text=True).stdout
        rows += map(json.loads, said.splitlines())
    ours = json.loads(truth.read_text())
    found = curves(ours["points"] + [r for r in rows if "problem" in r])
    problems = [name for name in ours["truth"] if name.startswith("detest-")]
    print(f"Machine: {machine()}; {today()}.\n\nEvaluations, ours over theirs at equal error (geometric means):\n")
    comparison(found, problems)
    print("\nEvaluations for an error (geometric means over the problems where all reach it):\n")
    best(found, problems)
    print()
    times(w9, [r for r in rows if "name" in r])


if __name__ == "__main__":
    main()
