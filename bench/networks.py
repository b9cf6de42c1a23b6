#!/usr/bin/env python3
"""Which network learns the most in a given time: the KL that each reaches on every built-in set, and its cost a step, validation included.

usage: bench/networks.py CNF [--seconds S] [--folder DIR] [SET...]

Two hidden layers have the divergence in closed form, three take two tangents a sample; all else is the program's
default. KL(truth || model) is judged on 20,000 fresh points at the program's own accuracy.
"""
import json

from table import options, run

NETWORKS = ["96,96", "128,128", "64,64,64"]


def main():
    arguments = options(__doc__, "20", "build/networks")
    print("| set |" + "".join(f" {network}: KL | ms a step | s |" for network in NETWORKS))
    print("|---|" + "---|---|---|" * len(NETWORKS))
    for name in arguments.sets:
        cells = []
        for network in NETWORKS:
            trained = json.loads(run(arguments.cnf, "train", "--data", name, "--seconds", arguments.seconds, "--hidden",
                                     network, "-o", arguments.folder / name, "--force", "--json", "--quiet"))
            at = json.loads(run(arguments.cnf, "evaluate", arguments.folder / name, "--data", name, "-N", 20000, "--seed", 77,
                                "--no-mass", "--json"))
            cells.append(f" {at['kl']:.4f} ± {at['kl_stderr']:.4f} | {1e3 * trained['seconds'] / trained['steps']:.1f} | "
                         f"{trained['seconds']:.0f} |")
        print(f"| {name} |" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
