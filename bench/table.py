#!/usr/bin/env python3
"""The README's table: every built-in set, trained with the defaults, judged on 50,000 fresh points in double.

usage: bench/table.py CNF [--seconds S] [--folder DIR] [--affine] [SET...]

KL(truth || model) is the mean over fresh points of true minus model log-density, the model's solved at 1e-7 and again at
1e-9. --affine gives the program an .npy file of points after an affine map it does not know (numpy), and judges it
on mapped fresh points: the map's log-determinant is the only thing that changes in the truth.
"""
import argparse
import json
import math
import pathlib
import subprocess

SETS = ["8gaussians", "circles", "moons", "pinwheel", "swissroll", "checkerboard", "2spirals", "rings"]
MAP, SHIFT = [[1.7, 0.9], [-0.4, 0.6]], [30.0, -5.0]


def run(*words):
    return subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE, text=True).stdout


def evaluate(cnf, folder, data, rtol):
    return json.loads(run(cnf, "evaluate", folder, "--data", data, "-N", 50000, "--seed", 77, "--precision", "double",
                          "--rtol", rtol, "--no-mass", "--json"))


def mass(cnf, folder, data):
    found = json.loads(run(cnf, "evaluate", folder, "--data", data, "-N", 64, "--json"))["mass"]
    return "not resolved" if found is None else f"{found:.4f}"


def mapped(cnf, name, n, seed, path):
    import numpy as np
    run(cnf, "data", name, "-N", n, "--seed", seed, "-o", path, "--force")
    points = np.load(path)
    np.save(path, points @ np.array(MAP).T + np.array(SHIFT))


def options(description, seconds, folder, *flags):
    """The command line, with `folder` a path that exists."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cnf")
    parser.add_argument("--seconds", default=seconds)
    parser.add_argument("--folder", type=pathlib.Path, default=folder)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    parser.add_argument("sets", nargs="*", metavar="SET", default=SETS)
    arguments = parser.parse_intermixed_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    return arguments


def main():
    arguments = options(__doc__, "90", "build/table", "--affine")
    folder = arguments.folder
    log_det = math.log(abs(MAP[0][0] * MAP[1][1] - MAP[0][1] * MAP[1][0]))

    print("| set | entropy | NLL | KL | KL at 1e-9 | mass | evaluations | training, s | steps |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in arguments.sets:
        data = name
        if arguments.affine:
            data = folder / f"{name}.npy"
            mapped(arguments.cnf, name, 100000, 1, data)
        run_folder = folder / (name + ("-affine" if arguments.affine else ""))
        trained = json.loads(run(arguments.cnf, "train", "--data", data, "--seconds", arguments.seconds, "-o", run_folder,
                                 "--force", "--json", "--quiet"))
        entropy = next(s["entropy"] for s in json.loads(run(arguments.cnf, "data", "--list", "--json"))["sets"]
                       if s["name"] == name)
        if arguments.affine:
            data = folder / f"{name}-test.npy"
            mapped(arguments.cnf, name, 50000, 77, data)
        loose, tight = (evaluate(arguments.cnf, run_folder, data, rtol) for rtol in ("1e-7", "1e-9"))
        if arguments.affine:  # the truth of the mapped points: H + log |det|, on these very points up to their own noise
            kls = [f"{r['nll'] - log_det - entropy:.4f} ± {r['nll_stderr']:.4f}" for r in (loose, tight)]
        else:
            kls = [f"{r['kl']:.4f} ± {r['kl_stderr']:.4f}" for r in (loose, tight)]
        print(f"| {name} | {entropy:.4f} | {loose['nll']:.4f} | {kls[0]} | {kls[1]} | {mass(arguments.cnf, run_folder, data)} | "
              f"{loose['nfe_mean']:.0f} | {trained['seconds']:.1f} | {trained['steps']} |", flush=True)


if __name__ == "__main__":
    main()
