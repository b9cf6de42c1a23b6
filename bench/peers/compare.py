#!/usr/bin/env python3
"""Ours and the peers' side by side, as one Markdown table: compare.py OURS.json PEERS.json

OURS is what `cnf_bench --json` printed, PEERS what run.py wrote, on the same machine. The last column holds the factors
we must keep, each in the row of the peer it is against: the fastest of all, or the fastest of a kind.
"""
import argparse
import json
import sys

from machine import machine, today

# Ours: (whose fastest row, factor), ...
ALL = lambda r: True
ADJOINT = lambda r: r["peer"] == "torchdiffeq" and ", adjoint," in r["setting"]
FFJORD = lambda r: r["peer"] == "FFJORD's way"
TARGETS = {
    "W1-b100": [(ALL, 6)],
    "W1-b512": [(ALL, 7), (ADJOINT, 15), (FFJORD, 25)],
    "W1-b512-sample": [(ALL, 5.5), (ADJOINT, 12), (FFJORD, 20)],
    "W2": [(ALL, 6)],
    "W3-dopri5": [(ALL, 1.8)],
    "W3-rk4": [(ALL, 2)],
    "W4-dopri5": [(ALL, 1.5)],
    "W4-rk4": [(ALL, 2)],
    "W5": [(lambda r: r["peer"] == "jax", 3), (lambda r: r["peer"] == "torchcfm", 10)],
    "W6-miniboone": [(ALL, 2)],
    "W6-power-5x1": [(ALL, 2)],
}
BUSY = 0.2  # cores that others may take of two before a figure is marked

NOTES = """\
float32; rtol = atol = 1e-5 wherever steps adapt; the median of blocks, warm-up and compilation outside the clock.
The peers' error norm is the RMS over the whole batch. Ours in training (W1, W6) is the RMS over a tile, in evaluation
(W3, W4) every sample's own; a name that ends in `-sample` or `-tile` is the same work under the other norm.
W6-power is a stack of five fields; `-5x1` is ours, five fields one after another, each on the data: as much arithmetic.
Evaluations are those of the forward solve. FFJORD's own code is in no registry and was not run: FFJORD's way is
torchdiffeq's adjoint with layers and divergence written as FFJORD writes them."""


def peer_workload(name):
    """The peers' name for ours: they have one norm, and a true stack of five."""
    return name.removesuffix("-sample").removesuffix("-tile").removesuffix("-5x1")


def speed(record):
    """Work done in a second, in units that ours and theirs share."""
    return record["points_per_s"] if "points_per_s" in record else 1e3 / record["ms"]


def shown(record):
    if "points_per_s" in record:
        return f"{record['points_per_s']:,.0f} points/s"
    digits = max(0, 2 - len(str(int(record["ms"]))) + 1)
    return f"{record['ms']:,.{digits}f} ms"


def spread(record):
    """How far its blocks lay from their median, in per cent."""
    median = record.get("ms") or record["points_per_s"]
    return f"-{100 * (1 - record['min'] / median):.0f} +{100 * (record['max'] / median - 1):.0f} %"


def is_busy(record):
    return record.get("other_cpu", 0) > BUSY


def rows_of(mine, theirs):
    """The table's rows for one workload of ours, the fastest peer first, and the targets no peer was there for."""
    timed = sorted((r for r in theirs if "error" not in r), key=speed, reverse=True)
    marks, missing = {}, []
    for choose, factor in TARGETS.get(mine["name"], []):
        against = next((r for r in timed if choose(r)), None)
        if against is None:
            missing.append(f"{mine['name']}: no peer was timed for the factor {factor}")
        else:
            verdict = "**missed**" if speed(mine) < factor * speed(against) else "met?" if is_busy(against) else "met"
            marks.setdefault(id(against), []).append(f"{factor} {verdict}")
    left = [mine["name"], shown(mine), f"{mine['evaluations']:.0f}" if mine.get("evaluations") else "",
            f"{100 * mine['fraction_of_peak']:.0f} %" if mine.get("fraction_of_peak") else ""]
    rows = []
    for r in timed:
        busy = " (busy)" if is_busy(r) else ""
        evaluations = f"{r['evaluations']:.0f}" if "evaluations" in r else ""
        if "evaluations_backward" in r:
            evaluations += f" + {r['evaluations_backward']:.0f}"
        rows.append([*left, f"{r['peer']}: {r['setting']}", shown(r) + busy, spread(r), evaluations,
                     f"{speed(mine) / speed(r):.1f}", ", ".join(marks.get(id(r), []))])
        left = [""] * 4
    for r in theirs:
        if "error" in r:
            rows.append([*left, f"{r['peer']}: {r['setting']}", r["error"].replace("|", "/"), "", "", "", ""])
            left = [""] * 4
    return rows, missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=argparse.FileType())
    parser.add_argument("peers", type=argparse.FileType())
    a = parser.parse_args()
    ours, peers = json.load(a.ours), json.load(a.peers)
    if not peers:
        sys.exit(f"compare.py: {a.peers.name} holds no record")
    threads, there = peers[0]["threads"], peers[0]["machine"]
    versions = {package: version for r in peers for package, version in r.get("versions", {}).items()}

    print("Machine: " + machine() + f"; {threads} threads; {today()}.")
    if there != machine():
        print(f"\n**The peers were timed elsewhere** ({there}): the ratios mean nothing.")
    print("Peers: " + ", ".join(f"{package} {version}" for package, version in sorted(versions.items())) + ".\n")
    print(NOTES + "\n")
    print("| workload | ours | evaluations | of peak | peer | theirs | spread | evaluations | ratio | at least |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    missing, busy = [], False
    for mine in ours:
        theirs = [r for r in peers if r["name"] == peer_workload(mine["name"])]
        if mine.get("threads") != threads or not theirs:
            continue
        rows, absent = rows_of(mine, theirs)
        missing += absent
        busy = busy or any(is_busy(r) for r in theirs)
        for row in rows:
            print("| " + " | ".join(row) + " |")
    known = {mine["name"] for mine in ours if mine.get("threads") == threads}
    timed = {r["name"] for r in peers}
    missing += [f"{name}: not among ours" for name in TARGETS if name not in known and peer_workload(name) in timed]
    if busy:
        print(f"\n(busy): other processes took more than {BUSY} cores meanwhile, so the ratio may flatter us.")
    for line in missing:
        print(f"\n{line}.")


if __name__ == "__main__":
    main()
