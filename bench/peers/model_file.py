#!/usr/bin/env python3
"""Writes the peers' trained network as a model of ours (docs/file-format.md): model_file.py OUTPUT.safetensors

The layers are the same: weight = W, bias = b, gate_weight = gw, gate_bias = gb, time_weight = hb.
"""
import json
import pathlib
import sys

import numpy as np
import xxhash

import workload

NAMES = {"W": "weight", "b": "bias", "hb": "time_weight", "gw": "gate_weight", "gb": "gate_bias"}
NO_DIGEST = "0" * 32


def digest(data):
    return xxhash.xxh3_128_hexdigest(data)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def safetensors(arrays, metadata):
    """The file's bytes."""
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    data = {name: arrays[name].tobytes() for name in order}
    header = {"__metadata__": {"cnf.digest": NO_DIGEST, **{f"cnf.digest:{name}": digest(data[name]) for name in order},
                               **dict(sorted(metadata.items()))}}
    end = 0
    for name in order:
        begin, end = end, end + len(data[name])
        header[name] = {"dtype": {"f4": "F32", "f8": "F64"}[arrays[name].dtype.str[1:]],
                        "shape": list(arrays[name].shape), "data_offsets": [begin, end]}
    text = compact(header).encode()
    text += b" " * (-len(text) % 8)
    text = text.replace(NO_DIGEST.encode(), digest(text).encode(), 1)
    return len(text).to_bytes(8, "little") + text + b"".join(data.values())


def main():
    layers = workload.trained_weights()
    arrays = {f"layers.{l}.{ours}": np.ascontiguousarray(layer[theirs], "<f4")
              for l, layer in enumerate(layers) for theirs, ours in NAMES.items()}
    arrays |= {"standardisation.mean": np.zeros(2), "standardisation.scale": np.eye(2)}
    field = {"activation": "tanh", "dim": 2, "hidden": [64, 64, 64], "kind": "mlp", "output_gate": True,
             "time": "concatsquash"}
    flow = {"base": "normal", "t_base": workload.T_END, "t_data": 0.0}
    metadata = {"cnf.kind": "cnf model", "cnf.format": "1", "cnf.precision": "float", "cnf.columns": "[]",
                "cnf.field": compact(field), "cnf.flow": compact(flow), "cnf.recipe": "{}", "cnf.numbers": "{}"}
    pathlib.Path(sys.argv[1]).write_bytes(safetensors(arrays, metadata))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
