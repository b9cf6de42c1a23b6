"""The problems as every peer is given them, each as f(xp, t, y) for xp numpy or jax.numpy, its start and its times.

DETEST's 25 (Hull, Enright, Fellen and Sedgwick 1972, SIAM J. Numer. Anal. 9(4), 603-637), the trained network of
bench/weights, Arenstorf's orbit, and the thousand Lotka-Volterra systems of W9.
"""
import pathlib

import numpy as np

MASSES = np.array([0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778])
SUN, GRAVITY = 1.00000597682, 2.95912208286
PLANETS = [
    3.42947415189, 3.35386959711, 1.35494901715, 6.64145542550, 5.97156957878, 2.18231499728, 11.2630437207,
    14.6952576794, 6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721, -21.1238353380, 28.4465098142,
    15.3882659679, -0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293,
    -0.325325669158, 0.189706021964, 0.0877265322780, -0.0240476254170, -0.287659532608, -0.117219543175,
    -0.176860753121, -0.216393453025, -0.0148647893090]


def first(n):
    return [1.0] + [0.0] * (n - 1)


def b4(xp, t, y):
    r = xp.sqrt(y[0] ** 2 + y[1] ** 2)
    return xp.stack([-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r])


def c1(xp, t, y):
    return xp.concatenate([-y[:1], y[:8] - y[1:9], y[8:9]])


def c2(xp, t, y):
    i = np.arange(1.0, 9)
    return xp.concatenate([-y[:1], i * y[:8] - (i + 1) * y[1:9], 9 * y[8:9]])


def diffusion(xp, t, y):
    nothing = xp.zeros(1)
    return xp.concatenate([nothing, y[:-1]]) - 2 * y + xp.concatenate([y[1:], nothing])


def c5(xp, t, y):
    at = y[:15].reshape(5, 3)
    to_sun = at / (at**2).sum(1)[:, None] ** 1.5
    apart = at[None] - at[:, None]
    square = (apart**2).sum(2) + np.eye(5)
    others = (1 - np.eye(5))[:, :, None]
    by_planets = MASSES[None, :, None] * (apart / square[:, :, None] ** 1.5 - others * to_sun[None])
    pull = by_planets.sum(1) - (SUN + MASSES)[:, None] * to_sun
    return xp.concatenate([y[15:], GRAVITY * pull.reshape(15)])


def orbit(xp, t, y):
    cube = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return xp.stack([y[2], y[3], -y[0] / cube, -y[1] / cube])


def ellipse(e):
    return orbit, [1 - e, 0, 0, np.sqrt((1 + e) / (1 - e))]


DETEST = {
    "a1": (lambda xp, t, y: -y, [1]),
    "a2": (lambda xp, t, y: -(y**3) / 2, [1]),
    "a3": (lambda xp, t, y: y * xp.cos(t), [1]),
    "a4": (lambda xp, t, y: y / 4 * (1 - y / 20), [1]),
    "a5": (lambda xp, t, y: (y - t) / (y + t), [4]),
    "b1": (lambda xp, t, y: xp.stack([2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])]), [1, 3]),
    "b2": (lambda xp, t, y: xp.stack([-y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]]), [2, 0, 1]),
    "b3": (lambda xp, t, y: xp.stack([-y[0], y[0] - y[1] ** 2, y[1] ** 2]), [1, 0, 0]),
    "b4": (b4, [3, 0, 0]),
    "b5": (lambda xp, t, y: xp.stack([y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]]), [0, 1, 1]),
    "c1": (c1, first(10)),
    "c2": (c2, first(10)),
    "c3": (diffusion, first(10)),
    "c4": (diffusion, first(51)),
    "c5": (c5, PLANETS),
    "d1": ellipse(0.1),
    "d2": ellipse(0.3),
    "d3": ellipse(0.5),
    "d4": ellipse(0.7),
    "d5": ellipse(0.9),
    "e1": (lambda xp, t, y: xp.stack([y[1], -(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])]),
           [0.6713967071418030, 0.09540051444747446]),
    "e2": (lambda xp, t, y: xp.stack([y[1], (1 - y[0] ** 2) * y[1] - y[0]]), [2, 0]),
    "e3": (lambda xp, t, y: xp.stack([y[1], y[0] ** 3 / 6 - y[0] + 2 * xp.sin(2.78535 * t)]), [0, 0]),
    "e4": (lambda xp, t, y: xp.stack([y[1], 0.032 - 0.4 * y[1] ** 2]), [30, 0]),
    "e5": (lambda xp, t, y: xp.stack([y[1], xp.sqrt(1 + y[1] ** 2) / (25 - t)]), [0, 0]),
}


def detest():
    """Name -> (f, start, t_end, times at which errors count)."""
    return {f"detest-{name}": (f, np.array(start, float), 20.0, np.arange(1.0, 21))
            for name, (f, start) in DETEST.items()}


FLOW_POINTS = 64


def trained_flow():
    """The network of W1 to W4 on 64 points as one system of 128 values, a point's two values beside each other."""
    file = np.load(pathlib.Path(__file__).parent.parent / "peers" / "weights" / "w1_trained.npz")
    layers = [{k: file[f"{k}{l}"].astype(float) for k in ("W", "b", "gw", "gb", "hb")} for l in range(4)]

    def field(xp, t, y):
        h = y.reshape(FLOW_POINTS, 2)
        for l, w in enumerate(layers):
            h = (h @ w["W"].T + w["b"]) / (1 + xp.exp(-(w["gw"] * t + w["gb"]))) + w["hb"] * t
            h = h if l == len(layers) - 1 else xp.tanh(h)
        return h.reshape(-1)

    return field, np.random.RandomState(0).uniform(-2, 2, 2 * FLOW_POINTS)


def work_precision():
    """Name -> (f, start, t_end, times at which errors count)."""
    f, start = trained_flow()
    return detest() | {"flow": (f, start, 0.5, 0.025 * np.arange(1.0, 21))}


MU = 0.012277471
ARENSTORF = np.array([0.994, 0, 0, -2.00158510637908252240537862224])
PERIOD = 17.0652165601579625588917206249


def arenstorf(xp, t, y):
    earth = ((y[0] + MU) ** 2 + y[1] ** 2) ** 1.5
    moon = ((y[0] - (1 - MU)) ** 2 + y[1] ** 2) ** 1.5
    return xp.stack([y[2], y[3], y[0] + 2 * y[3] - (1 - MU) * (y[0] + MU) / earth - MU * (y[0] - (1 - MU)) / moon,
                     y[1] - 2 * y[2] - (1 - MU) * y[1] / earth - MU * y[1] / moon])


SYSTEMS, SPAN = 1000, 20.0


def lotka_volterra(xp, p, y):
    """p: 4 x n, y: 2 x n, or without n."""
    meetings = y[0] * y[1]
    return xp.stack([p[0] * y[0] - p[1] * meetings, -p[2] * y[1] + p[3] * meetings])


def systems():
    """Parameters 4 x 1000 and starts 2 x 1000: the draws of bench/solvers.cpp."""
    random = np.random.RandomState(0)
    ranges = ((0.9, 1.6), (0.3, 0.5), (0.8, 1.2), (0.3, 0.5))
    params = np.stack([random.uniform(low, high, SYSTEMS) for low, high in ranges])
    return params, random.uniform(0.5, 2, (SYSTEMS, 2)).T
