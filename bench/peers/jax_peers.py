"""The peers on jax, jit-compiled, one workload a process: diffrax, and plain jax with a lax.scan of RK4 steps.

The divergence is `tangent`: forward mode by hand, the tangents stacked under the values in each product; or `jvp`:
jax.linearize and one tangent a dimension. XLA's pool has as many threads as the process has processors.
"""
import argparse
import functools
import math

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optax

from timing import agree, measure, report
import workload
from workload import POINTS, RK4_STEPS, T_END, TABULAR, TOLERANCE

ACTIVATIONS = {"tanh": jnp.tanh, "softplus": jax.nn.softplus}
MAX_STEPS = 64


class Rk4(diffrax.AbstractERK):
    """Kutta's classic method, which diffrax does not have."""
    tableau = diffrax.ButcherTableau(
        a_lower=(np.array([0.5]), np.array([0.0, 0.5]), np.array([0.0, 0.0, 1.0])), c=np.array([0.5, 0.5, 1.0]),
        b_sol=np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6]), b_error=np.zeros(4))
    interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        return 4


def parameters(layers):
    return [{k: jnp.asarray(v) for k, v in layer.items()} for layer in layers]


def value(p, t, x, phi=jnp.tanh):
    for l, w in enumerate(p):
        x = (x @ w["W"].T + w["b"]) * jax.nn.sigmoid(w["gw"] * t + w["gb"]) + w["hb"] * t
        x = x if l == len(p) - 1 else phi(x)
    return x


def jvp(p, t, x):
    dx, linear = jax.linearize(lambda x: value(p, t, x), x)
    J = jax.vmap(lambda e: linear(jnp.broadcast_to(e, x.shape)))(jnp.eye(x.shape[1], dtype=x.dtype))
    return dx, -sum(J[i, :, i] for i in range(x.shape[1]))


def tangent(p, t, x):
    B, D = x.shape
    for l, w in enumerate(p):
        gate = jax.nn.sigmoid(w["gw"] * t + w["gb"])
        if l == 0:
            a = (x @ w["W"].T + w["b"]) * gate + w["hb"] * t
            da = jnp.broadcast_to((w["W"].T * gate)[:, None, :], (D, B, w["W"].shape[0]))
        else:
            rows = (jnp.concatenate([h[None], dh], 0).reshape((1 + D) * B, -1) @ w["W"].T).reshape(1 + D, B, -1) * gate
            a, da = rows[0] + (w["b"] * gate + w["hb"] * t), rows[1:]
        if l < len(p) - 1:
            h = jnp.tanh(a)
            dh = da * (1 - h * h)
    return a, -sum(da[i, :, i] for i in range(D))


def log_normal(z):
    return -0.5 * (z * z).sum(1) - 0.5 * math.log(2 * math.pi) * z.shape[1]


def diffrax_solve(field, args, state, begin, end, method, differentiable):
    """The end state and the number of steps."""
    fixed = method == "rk4"
    control = diffrax.ConstantStepSize() if fixed else diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    max_steps = RK4_STEPS if fixed else MAX_STEPS
    adjoint = {"adjoint": diffrax.RecursiveCheckpointAdjoint(checkpoints=max_steps)} if differentiable else {}
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field), Rk4() if fixed else diffrax.Dopri5(), begin, end,
        (end - begin) / RK4_STEPS if fixed else None, state, args=args, stepsize_controller=control,
        saveat=diffrax.SaveAt(t1=True), max_steps=max_steps, **adjoint)
    return jax.tree.map(lambda s: s[0], solution.ys), solution.stats["num_steps"]


def scan_solve(field, args, state, begin, end, differentiable):
    """RK4 as a lax.scan; for a gradient each step is recomputed in the reverse pass, the faster way."""
    h = (end - begin) / RK4_STEPS
    along = lambda state, k, c: jax.tree.map(lambda s, d: s + c * h * d, state, k)

    def step(state, n):
        t = begin + n * h
        k1 = field(t, state, args)
        k2 = field(t + h / 2, along(state, k1, 0.5), args)
        k3 = field(t + h / 2, along(state, k2, 0.5), args)
        k4 = field(t + h, along(state, k3, 1.0), args)
        return jax.tree.map(lambda s, a, b, c, d: s + h / 6 * (a + 2 * b + 2 * c + d), state, k1, k2, k3, k4), None

    step = jax.checkpoint(step) if differentiable else step
    return jax.lax.scan(step, state, jnp.arange(RK4_STEPS, dtype=jnp.float32))[0], RK4_STEPS


def solve(a, field, args, state, begin, end, differentiable):
    if a.peer == "jax":
        return scan_solve(field, args, state, begin, end, differentiable)
    return diffrax_solve(field, args, state, begin, end, a.method, differentiable)


def log_prob(a, p, x, differentiable):
    divergence = {"tangent": tangent, "jvp": jvp}[a.divergence]
    field = lambda t, state, p: divergence(p, t, state[0])
    (z, delta), steps = solve(a, field, p, (x, jnp.zeros(len(x), x.dtype)), 0.0, T_END, differentiable)
    return log_normal(z) - delta, steps


def evaluations(a, steps):
    """Of the field in a solve; dopri5 takes six a step, and two to begin."""
    return 4 * steps if a.method == "rk4" else 6 * steps + 2


def packages(a):
    return ["jax"] if a.peer == "jax" else ["jax", "diffrax"]


def trainer(optimizer, loss):
    """(parameters, moments, ...) -> the next of both, and loss's (value, steps); one compiled call."""
    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(p, moments, *args):
        aux, gradient = jax.value_and_grad(loss, has_aux=True)(p, *args)
        change, moments = optimizer.update(gradient, moments, p)
        return optax.apply_updates(p, change), moments, aux
    return update


def training(a):
    """W1 and W2: forward, gradient and Adam at rate 0, so that every iteration does the same work."""
    def loss(p, x):
        log_p, steps = log_prob(a, p, x, True)
        return -log_p.mean(), steps

    adam = optax.adam(0.0)
    p = parameters(workload.trained_weights())
    state = [p, adam.init(p)]
    update, batch, history = trainer(adam, loss), workload.batches(a.batch), []

    def step(i):
        state[0], state[1], aux = update(*state, batch(i))
        history.append(aux)

    measured = measure(step, lambda: jax.block_until_ready(state))
    agree("the first batch's NLL", float(history[0][0]), workload.FIRST_NLL[a.batch], 1e-3)
    steps = float(np.mean([int(n) for _, n in history]))
    gradient = "checkpointed scan" if a.peer == "jax" else "RecursiveCheckpointAdjoint"
    name = "W2" if a.workload == "W2" else f"W1-b{a.batch}"
    report(name, a.peer, f"{a.method}, {gradient}, {a.divergence} divergence", packages(a) + ["optax"], measured,
           evaluations=evaluations(a, steps))


def log_density(a):
    """W3, in chunks."""
    points, cell = workload.grid()
    p = parameters(workload.trained_weights())
    call = jax.jit(lambda p, x: log_prob(a, p, x, False))
    chunks = [jnp.asarray(points[i:i + a.chunk]) for i in range(0, len(points), a.chunk)]

    def step(i):
        step.out = jax.block_until_ready([call(p, x) for x in chunks])

    measured = measure(step)
    mass = sum(np.exp(np.asarray(log_p, np.float64)).sum() for log_p, _ in step.out) * cell
    agree("the mass on the grid", mass, *workload.GRID_MASS)
    steps = float(np.mean([int(n) for _, n in step.out]))
    report(f"W3-{a.method}", a.peer, f"{a.method}, {a.divergence} divergence, chunks of {a.chunk}", packages(a),
           measured, len(points), evaluations=evaluations(a, steps))


def sampling(a):
    """W4, in chunks."""
    p = parameters(workload.trained_weights())

    @jax.jit
    def call(p, key):
        field = lambda t, x, p: value(p, t, x)
        return solve(a, field, p, jax.random.normal(key, (a.chunk, 2)), T_END, 0.0, False)

    keys = jax.random.split(jax.random.PRNGKey(0), POINTS // a.chunk)

    def step(i):
        step.out = jax.block_until_ready([call(p, key) for key in keys])

    measured = measure(step)
    x = np.concatenate([np.asarray(x) for x, _ in step.out])
    agree("the samples' true NLL", -workload.eight_gaussians_log_density(x).mean(), *workload.SAMPLES_NLL)
    steps = float(np.mean([int(n) for _, n in step.out]))
    report(f"W4-{a.method}", a.peer, f"{a.method}, chunks of {a.chunk}", packages(a), measured, len(x),
           evaluations=evaluations(a, steps))


def flow_matching(a):
    """W5: one step of conditional flow matching; the network sees (x, t) and has no gates."""
    random = np.random.RandomState(0)
    dims = [3, 64, 64, 64, 2]
    p = [(jnp.asarray(random.uniform(-1, 1, (n, m)) / np.sqrt(n), jnp.float32), jnp.zeros(m))
         for n, m in zip(dims[:-1], dims[1:])]
    adam = optax.adam(1e-3)
    state = [p, adam.init(p)]

    def network(p, x):
        for l, (W, b) in enumerate(p):
            x = x @ W + b
            x = x if l == len(p) - 1 else jnp.tanh(x)
        return x

    def one(p, moments, i, data):
        keys = jax.random.split(jax.random.fold_in(jax.random.PRNGKey(0), i))
        noise, t = jax.random.normal(keys[0], data.shape), jax.random.uniform(keys[1], (len(data), 1))
        x = jnp.concatenate([(1 - t) * noise + t * data, t], 1)
        gradient = jax.grad(lambda p: jnp.mean((network(p, x) - (data - noise)) ** 2))(p)
        change, moments = adam.update(gradient, moments, p)
        return optax.apply_updates(p, change), moments

    size = 256
    if a.scan == 1:
        update, batch = jax.jit(one, donate_argnums=(0, 1)), workload.batches(size)
        data_of = batch
    else:
        pool, count = jnp.asarray(workload.eight_gaussians(workload.POOL, 1)), workload.POOL // size

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def update(p, moments, first, _):
            def body(state, i):
                return one(*state, i, jax.lax.dynamic_slice_in_dim(pool, i % count * size, size)), None
            return jax.lax.scan(body, (p, moments), first + jnp.arange(a.scan))[0]
        data_of = lambda i: None

    def step(i):
        state[:] = update(*state, i * a.scan, data_of(i))

    blocks, others = measure(step, lambda: jax.block_until_ready(state))
    setting = f"{a.scan} iterations a compiled call" if a.scan > 1 else "one compiled call an iteration"
    report("W5", "jax", f"3 x 64 tanh, {setting}", ["jax", "optax"], ([b / a.scan for b in blocks], others))


def tabular(a):
    """W6: one Hutchinson probe a block, drawn anew each iteration."""
    dims, activation, size, blocks, t_end = TABULAR[a.workload[3:]]
    phi = ACTIVATIONS[activation]

    def field(t, state, args):
        p, e = args
        dx, v = jax.jvp(lambda x: value(p, t, x, phi), (state[0],), (e,))
        return dx, -(v * e).sum(1)

    def loss(ps, x, key):
        state, total = (x, jnp.zeros(size, x.dtype)), 0
        for p, k in zip(ps, jax.random.split(key, blocks)):
            e = jax.random.rademacher(k, x.shape, jnp.float32)
            state, steps = diffrax_solve(field, (p, e), state, 0.0, t_end, "dopri5", True)
            total = total + steps
        return -(log_normal(state[0]) - state[1]).mean(), total

    adam = optax.adam(0.0)
    ps = [parameters(workload.random_weights(dims, b)) for b in range(blocks)]
    state = [ps, adam.init(ps)]
    update, batch, history = trainer(adam, loss), workload.tabular_batches(dims[0], size), []

    def step(i):
        state[0], state[1], aux = update(*state, batch(i), jax.random.fold_in(jax.random.PRNGKey(0), i))
        history.append(aux)

    measured = measure(step, lambda: jax.block_until_ready(state))
    agree("the first batch's NLL", float(history[0][0]), *workload.TABULAR_NLL[a.workload[3:]])
    steps = float(np.mean([int(n) for _, n in history]))
    report(a.workload, "diffrax", "dopri5, RecursiveCheckpointAdjoint, one probe in forward mode",
           ["jax", "diffrax", "optax"], measured, evaluations=6 * steps + 2 * blocks)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload")
    parser.add_argument("--peer", default="diffrax", choices=["diffrax", "jax"])
    parser.add_argument("--threads", type=int, default=2, help="for the form: the pool follows the processors")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--method", default="dopri5", choices=["dopri5", "rk4"])
    parser.add_argument("--divergence", default="tangent", choices=["tangent", "jvp"])
    parser.add_argument("--chunk", type=int, default=4096)
    parser.add_argument("--scan", type=int, default=1, help="W5: iterations in one compiled call")
    a = parser.parse_args()
    {"W1": training, "W2": training, "W3": log_density, "W4": sampling, "W5": flow_matching}.get(a.workload, tabular)(a)


if __name__ == "__main__":
    main()
