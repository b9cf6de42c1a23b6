#!/usr/bin/env python3
"""What keeps a flow cheap, side by side: maximum likelihood alone, RNODE, OT-Flow, and a weight that rises by itself.

usage: bench/regularisers.py CNF [--steps N] [--folder DIR] [--only WORD,...] [DATA...]

DATA are built-in sets, .csv or .npy files; not given: 8gaussians, rings and mixture:6. Every flow takes as many steps
(2000) of the same batches, on one thread. Then, of each: NLL (KL where the truth is known) in double at 1e-7;
evaluations per log p right to 1e-4 nats, by the frozen grid and by dopri5 at 1e-5; evaluations per solve of the last
updates; CPU seconds of training, validation included.
"""
import argparse
import csv
import json
import pathlib
import resource
import subprocess

SYSTEMS = {
    "likelihood": ["--objective", "likelihood"],
    "rnode": ["--objective", "likelihood+kinetic:0.01+frobenius:0.01"],
    "rising": ["--objective", "likelihood+kinetic:0.005^"],
    "potential": ["--objective", "likelihood", "--field", "potential"],
    "ot-flow": ["--objective", "likelihood+kinetic:0.005+hjb:0.05", "--field", "potential"],
}


def run(*words):
    return subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout


def judged(cnf, folder, *how):
    rows = ["-N", 20000, "--seed", 77] if not json.loads((folder / "data.json").read_text())["file"] else []
    return json.loads(run(cnf, "evaluate", folder, *rows, *how, "--no-mass", "--json", "--threads", 1))


def line(cnf, data, name, steps, folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run(cnf, "train", "--data", data, *SYSTEMS[name], "--steps", steps, "--seed", 1, "--threads", 1, "--quiet", "--force",
        "-o", folder)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    (folder / "data.json").write_text(json.dumps({"file": pathlib.Path(data).is_file()}))
    exact = judged(cnf, folder, "--precision", "double", "--rtol", 1e-7, "--atol", 1e-7)
    grid = judged(cnf, folder, "--accuracy", 1e-4)["evaluation"]
    adaptive = judged(cnf, folder, "--solver", "dopri5", "--rtol", 1e-5)
    with open(folder / "metrics.csv", encoding="ascii") as log:
        training = float(list(csv.DictReader(log))[-1]["nfe_train"])
    kl = "" if exact["kl"] is None else f"{exact['kl']:.4f}"
    print(f"| {pathlib.Path(data).name} | {name} | {exact['nll']:.4f} ± {exact['nll_stderr']:.4f} | {kl} "
          f"| {grid['evaluations']:.1f} | {adaptive['nfe_mean']:.1f} | {training:.1f} | {seconds:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cnf")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--folder", type=pathlib.Path, default="build/regularisers")
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("data", nargs="*", default=["8gaussians", "rings", "mixture:6"])
    arguments = parser.parse_intermixed_args()
    print("| data | trained by | NLL | KL | evaluations, grid at 1e-4 nats | dopri5 at 1e-5 | in training | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for data in arguments.data:
        for name in arguments.only.split(","):
            line(arguments.cnf, data, name, arguments.steps, arguments.folder / pathlib.Path(data).stem / name)


if __name__ == "__main__":
    main()
