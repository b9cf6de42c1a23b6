"""Times a step in blocks, and writes the record that run.py collects."""
import importlib.metadata
import json
import os
import time

import numpy as np

WARM_SECONDS, BLOCK_SECONDS, BLOCKS = 1.5, 1.5, 5


def cpu_seconds():
    """CPU time since boot of all processes, and of this one."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    own = os.times()
    user, nice, system, _, _, irq, softirq = ticks[:7]
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"), own.user + own.system


def measure(step, sync=lambda: None):
    """Calls step(0), step(1), ...; sync waits for what they began.

    Returns the seconds per call of each block, and the most cores that other processes took during one. The first call
    (compilation) and 1.5 s of warm-up are outside the clock; a block lasts 1.5 s, or one call.
    """
    i = 0

    def calls(n):
        nonlocal i
        begin = time.perf_counter()
        for _ in range(n):
            step(i)
            i += 1
        sync()
        return time.perf_counter() - begin

    calls(1)
    warm, done = 0.0, 0
    while warm < WARM_SECONDS:
        n = max(1, done)
        warm += calls(n)
        done += n
    n = max(1, round(BLOCK_SECONDS * done / warm))
    blocks, others = [], 0.0
    for _ in range(BLOCKS):
        before = cpu_seconds()
        seconds = calls(n)
        after = cpu_seconds()
        others = max(others, (after[0] - before[0] - (after[1] - before[1])) / seconds)
        blocks.append(seconds / n)
    return blocks, others


def report(name, peer, setting, packages, measured, points=0, **more):
    """Prints the record: ms of an iteration, or points_per_s of a call over that many points."""
    blocks, others = measured
    values = [points / b if points else 1e3 * b for b in blocks]
    key = "points_per_s" if points else "ms"
    record = {"name": name, "peer": peer, "setting": setting, key: np.median(values), "min": min(values),
              "max": max(values), "other_cpu": max(0.0, others), **more}
    record = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in record.items()}
    record["versions"] = {package: importlib.metadata.version(package) for package in packages}
    print(json.dumps(record), flush=True)


def agree(what, value, expected, margin):
    """Ends the peer whose answer is not the others': its time would be that of other work."""
    if not abs(value - expected) <= margin:
        raise SystemExit(f"{what} is {value:.6g}, expected {expected:.6g} +- {margin:.2g}")
