#!/usr/bin/env python3
"""Times the peers on our workloads, each in a process of its own, and writes build/peers.json.

usage: bench/peers/run.py [--quick] [--only NAME] [-o FILE]

Makes build/peers-venv from requirements.txt first, if it is not there as pinned. The whole set takes about 15 minutes
and never more than 20; --quick, the fastest settings alone, about 5 and never more than 6.
The file is a list of {"name", "peer", "setting", "ms" or "points_per_s" (the median of five blocks), "min", "max",
"evaluations", "evaluations_backward" (of an adjoint solve), "other_cpu" (cores that other processes took at most),
"versions", "threads", "machine", "date"}; a peer that fails or is late has "error" instead of the figures.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from machine import machine, today

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
LIMIT, SET_LIMIT, QUICK_LIMIT = 150, 1200, 360  # seconds: of one peer, of the whole set, of --quick

# Name, whether it may be the fastest (--quick runs these), command. The settings are the fastest found of each peer,
# and those that are well known.
TANGENT, FAST, SLOW = "--divergence tangent", True, False
ROWS = [
    row
    for b in (100, 512)
    for row in [
        (f"W1-b{b}", FAST, f"jax W1 --batch {b} {TANGENT}"),
        (f"W1-b{b}", b == 512, f"torch W1 --batch {b} {TANGENT} --compile"),
        (f"W1-b{b}", SLOW, f"torch W1 --batch {b} --gradient adjoint --divergence reverse"),
        (f"W1-b{b}", SLOW, f"torch W1 --batch {b} --gradient adjoint --divergence reverse --peer FFJORD's_way"),
        (f"W1-b{b}", SLOW, f"torch W1 --batch {b} --gradient adjoint --peer zuko"),
    ]
] + [
    ("W2", FAST, f"jax W2 --method rk4 {TANGENT}"),
    ("W2", FAST, f"jax W2 --method rk4 {TANGENT} --peer jax"),
    ("W2", SLOW, f"torch W2 {TANGENT} --compile"),
    ("W3-dopri5", FAST, "jax W3 --divergence jvp"),
    ("W3-dopri5", SLOW, "torch W3 --compile"),
    ("W3-rk4", FAST, f"jax W3 --method rk4 {TANGENT} --peer jax"),
    ("W3-rk4", SLOW, "torch W3 --method rk4 --compile"),
    ("W4-dopri5", FAST, "jax W4 --chunk 100000"),
    ("W4-dopri5", SLOW, "torch W4 --compile"),
    ("W4-rk4", FAST, "jax W4 --method rk4 --peer jax --chunk 100000"),
    ("W4-rk4", SLOW, "torch W4 --method rk4 --compile"),
    ("W5", FAST, "jax W5 --peer jax --scan 100"),
    ("W5", SLOW, "jax W5 --peer jax"),
    ("W5", FAST, "torch W5"),
    ("W5", SLOW, "torch W5 --activation selu"),
    ("W6-miniboone", FAST, "torch W6-miniboone"),
    ("W6-miniboone", SLOW, "torch W6-miniboone --gradient adjoint"),
    ("W6-miniboone", FAST, "jax W6-miniboone"),
    ("W6-power", FAST, "jax W6-power"),
    ("W6-power", SLOW, "torch W6-power --compile"),
]


def environment():
    """The interpreter of build/peers-venv, which holds exactly what requirements.txt says."""
    venv, wanted = BUILD / "peers-venv", HERE / "requirements.txt"
    python, installed = venv / "bin" / "python", venv / "requirements.txt"
    if installed.exists() and installed.read_bytes() == wanted.read_bytes():
        return python
    free = shutil.disk_usage(HERE).free
    if free < 12e9:
        sys.exit(f"run.py: {free / 1e9:.0f} GB are free beside {BUILD}, the peers need 12 while they are installed")
    print("peers: installing into build/peers-venv (about 5 GB, a few minutes)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True, stdout=sys.stderr)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir",
                    "--no-deps", "--requirement", wanted], check=True, stdout=sys.stderr)
    shutil.copyfile(wanted, installed)
    return python


def timed(python, name, command, threads, seconds):
    """The record of one peer."""
    side, *words = [word.replace("_", " ") for word in command.split()]
    peer = words[words.index("--peer") + 1] if "--peer" in words else {"jax": "diffrax", "torch": "torchdiffeq"}[side]
    untimed = {"name": name, "peer": peer, "setting": " ".join(words)}
    if seconds <= 0:
        return untimed | {"error": "no time was left for it"}
    # A session of its own, so that an end takes the compiler's helpers along.
    child = subprocess.Popen([python, "-B", HERE / f"{side}_peers.py", *words, "--threads", str(threads)], text=True,
                             start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(BUILD / "peers-cache")})
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return untimed | {"error": f"not done after {seconds:.0f} s"}
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode == 0:
        return json.loads(out.splitlines()[-1])
    return untimed | {"error": (err.strip().splitlines() or [f"exit status {child.returncode}"])[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only settings that may be the fastest")
    parser.add_argument("--only", metavar="NAME", help="only workloads whose name begins so: W2, W1-b512")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=BUILD / "peers.json")
    a = parser.parse_args()
    rows = [r for r in ROWS if (r[1] or not a.quick) and r[0].startswith(a.only or "")]
    if not rows:
        parser.error(f"--only {a.only}: no such workload, expected one of {', '.join(sorted({r[0] for r in ROWS}))}")
    processors = sorted(os.sched_getaffinity(0))
    if not 1 <= a.threads <= len(processors):
        parser.error(f"--threads {a.threads}: this machine has {len(processors)} processors")

    python = environment()
    where = {"threads": a.threads, "machine": machine(), "date": today()}
    os.sched_setaffinity(0, processors[:a.threads])  # XLA's pool has as many threads as there are processors
    deadline = time.monotonic() + (QUICK_LIMIT if a.quick else SET_LIMIT)
    records = []
    a.output.parent.mkdir(parents=True, exist_ok=True)
    for number, (name, _, command) in enumerate(rows, 1):
        begin = time.monotonic()
        record = timed(python, name, command, a.threads, min(LIMIT, deadline - begin))
        records.append(record | where)
        a.output.write_text(json.dumps(records, indent=1) + "\n")
        figure = record.get("error") or (f"{record['ms']:.4g} ms" if "ms" in record else
                                         f"{record['points_per_s']:,.0f} points/s")
        print(f"peers: {number}/{len(rows)} {name}, {record['peer']} ({record['setting']}): {figure}"
              f" [{time.monotonic() - begin:.0f} s]", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
