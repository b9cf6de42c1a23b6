"""Rebuilds a model from docs/file-format.md with NumPy alone: rebuild.py MODEL POINTS.npy LOGP.npy STEPS TOLERANCE

STEPS: a number of Runge-Kutta steps of its own, or a method of scipy.integrate.solve_ivp, DOP853.
Prints the largest difference between its own log-density and LOGP, and fails where that is above the tolerance (nats).
"""
import json
import sys

import numpy as np

model, points, theirs, steps, tolerance = sys.argv[1:]
with open(model, "rb") as file:
    header_size = int.from_bytes(file.read(8), "little")
    header, data = json.loads(file.read(header_size)), file.read()
metadata = header.pop("__metadata__")
dtypes = {"F32": "<f4", "F64": "<f8"}
tensor = {}
for name, entry in header.items():
    flat = np.frombuffer(data[slice(*entry["data_offsets"])], dtypes[entry["dtype"]])
    tensor[name] = flat.reshape(entry["shape"]).astype("f8")
assert metadata["cnf.kind"] == "cnf model" and metadata["cnf.format"] in ("1", "2")
if metadata["cnf.format"] == "1":  # one MLP, whose tensors have their own names alone
    flow = json.loads(metadata["cnf.flow"])
    blocks, base = [json.loads(metadata["cnf.field"]) | flow | {"prefix": ""}], flow["base"]
else:
    parts = json.loads(metadata["cnf.parts"])
    blocks = [part | {"prefix": part["name"] + "."} for part in parts if part["name"].startswith("blocks.")]
    base = [part["kind"] for part in parts if part["name"] == "base"][0]
assert base == "normal"

sigmoid = lambda a: 1 / (1 + np.exp(-a))
activations = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "softplus": (lambda a: np.logaddexp(0, a), sigmoid),
    "silu": (lambda a: a * sigmoid(a), lambda a: sigmoid(a) * (1 + a * (1 - sigmoid(a)))),
    "sin": (np.sin, np.cos),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype("f8")),
}


def mlp(part):
    """f and tr(df/du) at the rows of u: from values N x n and Jacobians N x n x D."""
    layers, (phi, dphi) = len(part["hidden"]) + 1, activations[part["activation"]]

    def f(t, u):
        h, J = u, np.broadcast_to(np.eye(part["dim"]), (len(u), part["dim"], part["dim"]))
        for l in range(layers):
            of = lambda name: tensor.get(f"{part['prefix']}layers.{l}.{name}")
            g = 1.0 if of("gate_weight") is None else sigmoid(of("gate_weight") * t + of("gate_bias"))
            a = g * (h @ of("weight").T + of("bias")) + of("time_weight") * t
            J = np.reshape(g, (-1, 1)) * (of("weight") @ J)
            h, J = (a, J) if l == layers - 1 else (phi(a), dphi(a)[:, :, None] * J)
        return h, np.trace(J, axis1=1, axis2=2)

    return f


def planar(part):
    """The same of f = U (sigmoid(g t + c) o phi(W u + b)), whose trace is sum_m s_m phi'(a_m) w_m . u_m."""
    W, b, g, c, U = (tensor[part["prefix"] + name] for name in
                     ("weight", "bias", "gate_weight", "gate_bias", "out_weight"))
    phi, dphi = activations[part["activation"]]

    def f(t, u):
        s, a = sigmoid(g * t + c), u @ W.T + b
        return (s * phi(a)) @ U.T, (s * dphi(a)) @ (W * U.T).sum(1)

    return f


def potential(part):
    """The same of f = -grad Phi, Phi = w . N(s) + |A s|^2 / 2 + b . s with s = (u, t), differentiated by hand: J = -H."""
    K0, b0, K1, b1, w, A, b = (tensor[part["prefix"] + name] for name in
                               ("weight", "bias", "inner_weight", "inner_bias", "out_weight", "quadratic", "linear"))
    D = part["dim"]

    def f(t, u):
        s = np.column_stack([u, np.full(len(u), t)])
        a = s @ K0.T + b0
        p, p1 = np.tanh(a), np.tanh((np.logaddexp(a, -a)) @ K1.T + b1)
        z1 = w + (w * p1) @ K1
        slope = (p * z1) @ K0 + s @ A.T @ A + b
        X = K1 @ (p[:, :, None] * K0[:, :D])  # width x D of every sample
        trace = ((1 - p**2) * z1) @ (K0[:, :D]**2).sum(1) + (A[:, :D]**2).sum()
        trace += ((w * (1 - p1**2))[:, :, None] * X**2).sum((1, 2))
        return -slope[:, :D], -trace

    return f


x = np.load(points).astype("f8")
S = tensor["standardisation.scale"]
u, q = np.linalg.solve(S, (x - tensor["standardisation.mean"]).T).T, np.zeros(len(x))
for part in reversed(blocks):  # from the data to the base
    f = {"mlp": mlp, "planar": planar, "potential": potential}[part["kind"]](part)
    if not steps.isdigit():
        from scipy.integrate import solve_ivp

        def rates(t, y):
            f_u, f_q = f(t, y[len(x):].reshape(u.shape))
            return np.concatenate([f_q, f_u.ravel()])

        solved = solve_ivp(rates, (part["t_data"], part["t_base"]), np.concatenate([q, u.ravel()]), method=steps,
                           rtol=1e-12, atol=1e-12)
        assert solved.success
        q, u = solved.y[:len(x), -1], solved.y[len(x):, -1].reshape(u.shape)
        continue
    h = (part["t_base"] - part["t_data"]) / int(steps)
    for n in range(int(steps)):  # Kutta's fourth-order steps from t_data to t_base
        t = part["t_data"] + n * h
        k1, q1 = f(t, u)
        k2, q2 = f(t + h / 2, u + h / 2 * k1)
        k3, q3 = f(t + h / 2, u + h / 2 * k2)
        k4, q4 = f(t + h, u + h * k3)
        u, q = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), q + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
log_p = -0.5 * (u**2).sum(1) - 0.5 * x.shape[1] * np.log(2 * np.pi) + q - np.log(np.diag(S)).sum()

worst = np.abs(log_p - np.load(theirs)).max()
print(f"largest difference of {len(x)}: {worst:.2e} nats, {len(blocks)} of {blocks[0]['kind']} first")
sys.exit(not worst <= float(tolerance))
