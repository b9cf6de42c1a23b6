"""What every peer is given: the workloads' data, weights, tolerances and the answers they must agree on.

The network is FFJORD's for the plane, 2-64-64-64-2: layer l maps h to (h W' + b) * sigmoid(gw t + gb) + hb t, with
tanh between layers. The density runs from the data at t = 0 to the normal at t = 0.5:
    log p(x) = log N(z; 0, I) - delta,    d delta/dt = -div f,    delta(0) = 0.
"""
import pathlib

import numpy as np

TOLERANCE = 1e-5  # rtol = atol; every peer's norm is the RMS over the whole batch
T_END = 0.5
RK4_STEPS = 8
POINTS = 100_000  # W4; W3 has a grid of 316 x 316

# dims of the field, activation, batch, blocks (each with its own weights), integration time
TABULAR = {"miniboone": ([43, 860, 860, 43], "softplus", 1000, 1, 1.0),
           "power": ([6, 60, 60, 60, 6], "tanh", 10_000, 5, 1.0)}

# Answers every peer must give, so that all do the same work: NLL of the first batch of W1 and W2, mass on W3's grid,
# NLL of W4's samples under the true density and of W6's first batch; the last two with margins for their random draws.
FIRST_NLL = {100: 2.7223, 512: 2.8269}
GRID_MASS = (0.9975, 5e-4)
SAMPLES_NLL = (2.98, 0.03)
TABULAR_NLL = {"miniboone": (64.132, 0.02), "power": (9.2688, 0.002)}

CENTRES = 4 * np.array([(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4])
POOL = 400_000


def eight_gaussians(n, seed):
    """FFJORD's set: (N(0, I) / 2 + c) / 1.414 with c uniform on eight points of the circle of radius 4; n x 2."""
    random = np.random.RandomState(seed)
    return ((0.5 * random.randn(n, 2) + CENTRES[random.randint(8, size=n)]) / 1.414).astype(np.float32)


def eight_gaussians_log_density(x):
    """Nats; x: n x 2."""
    sigma = 0.5 / 1.414
    exponent = -((x[:, None, :].astype(np.float64) - CENTRES / 1.414) ** 2).sum(-1) / (2 * sigma**2)
    return np.logaddexp.reduce(exponent, 1) - np.log(8 * 2 * np.pi * sigma**2)


def batches(size):
    """i -> batch i of a pool drawn beforehand: no peer waits for its data."""
    pool = eight_gaussians(POOL, 1)
    count = POOL // size
    return lambda i: pool[i % count * size:(i % count + 1) * size]


def grid():
    """The 316 x 316 points of W3 over [-4, 4]^2 and the area of a cell."""
    line = np.linspace(-4, 4, 316)
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32), (8 / 315) ** 2


def trained_weights():
    """W1 to W4: one dict W (out x in), b, gw, gb, hb a layer; trained on 8gaussians to 2.87 nats."""
    file = np.load(pathlib.Path(__file__).parent / "weights" / "w1_trained.npz")
    return [{k: file[f"{k}{l}"] for k in ("W", "b", "gw", "gb", "hb")} for l in range(4)]


def random_weights(dims, seed):
    """W6: uniform as in torch.nn.Linear, +- 1 / sqrt(inputs), where a gate has one input."""
    random = np.random.RandomState(seed)
    layers = []
    for n, m in zip(dims[:-1], dims[1:]):
        k = 1 / np.sqrt(n)
        layer = dict(W=random.uniform(-k, k, (m, n)), b=random.uniform(-k, k, m), gw=random.uniform(-1, 1, m),
                     gb=random.uniform(-1, 1, m), hb=random.uniform(-1, 1, m))
        layers.append({key: value.astype(np.float32) for key, value in layer.items()})
    return layers


def tabular_batches(dim, size):
    """i -> batch i of 20, from a mixture of five Gaussians, standardised."""
    random = np.random.RandomState(0)
    mean = random.randn(5, dim)
    x = mean[random.randint(5, size=20 * size)] + 0.5 * random.randn(20 * size, dim)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    return lambda i: x[i % 20 * size:(i % 20 + 1) * size]
