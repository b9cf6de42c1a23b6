"""The peers on torch, one workload a process: torchdiffeq, zuko, torchcfm, and the layers as FFJORD writes them.

The divergence is `tangent`: forward mode by hand, the tangents stacked under the values in each product; or `reverse`:
one reverse pass a dimension, as FFJORD takes it.
"""
import argparse
import math

import torch
import torch._functorch.config
import torchdiffeq
from torch import nn

from timing import agree, measure, report
import workload
from workload import POINTS, RK4_STEPS, T_END, TABULAR, TOLERANCE

ACTIVATIONS = {"tanh": (torch.tanh, lambda a, h: 1 - h * h),
               "softplus": (nn.functional.softplus, lambda a, h: torch.sigmoid(a))}
NAMED = {"dopri5": "dopri5", "rk4": "rk4 (3/8 rule)"}  # torchdiffeq's rk4 is not the classic one; the cost is the same


class Field(nn.Module):
    """The network with its divergence or e' J e; `evaluations` counts the calls."""

    def __init__(self, weights, divergence="tangent", activation="tanh", compiled=False):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ParameterDict({k: nn.Parameter(torch.from_numpy(v.copy())) for k, v in w.items()}) for w in weights)
        self.phi, self.dphi = ACTIVATIONS[activation]
        self.probe = None
        self.evaluations = 0
        augmented = {"tangent": self.tangent, "reverse": self.reverse, "hutchinson": self.hutchinson}[divergence]
        make = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        self.augmented, self.plain = make(augmented), make(self.value)

    def last(self, l):
        return l == len(self.layers) - 1

    def value(self, t, x):
        for l, p in enumerate(self.layers):
            x = torch.addmm(p["b"], x, p["W"].t()) * torch.sigmoid(p["gw"] * t + p["gb"]) + p["hb"] * t
            x = x if self.last(l) else self.phi(x)
        return x

    def reverse(self, t, x):
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_(True)
            dx = self.value(t, x)
            trace = sum(torch.autograd.grad(dx[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))
        return dx, -trace[:, None]

    def tangent(self, t, x):
        B, D = x.shape
        for l, p in enumerate(self.layers):
            gate = torch.sigmoid(p["gw"] * t + p["gb"])
            if l == 0:
                a = torch.addmm(p["b"], x, p["W"].t()) * gate + p["hb"] * t
                da = (p["W"].t() * gate)[:, None, :].expand(D, B, -1)
            else:
                rows = torch.cat([h[None], dh], 0).reshape((1 + D) * B, -1) @ p["W"].t()
                rows = rows.view(1 + D, B, -1) * gate
                a, da = rows[0] + (p["b"] * gate + p["hb"] * t), rows[1:]
            if not self.last(l):
                h = self.phi(a)
                dh = da * self.dphi(a, h)
        return a, -sum(da[i, :, i] for i in range(D))[:, None]

    def hutchinson(self, t, x, e):
        v = e
        for l, p in enumerate(self.layers):
            gate = torch.sigmoid(p["gw"] * t + p["gb"])
            a = torch.addmm(p["b"], x, p["W"].t()) * gate + p["hb"] * t
            v = (v @ p["W"].t()) * gate
            if not self.last(l):
                x = self.phi(a)
                v = v * self.dphi(a, x)
        return a, -(v * e).sum(1, keepdim=True)

    def forward(self, t, state):
        self.evaluations += 1
        if torch.is_tensor(state):
            return self.plain(t, state)
        return self.augmented(t, state[0]) if self.probe is None else self.augmented(t, state[0], self.probe)


class FfjordLayer(nn.Module):
    """Three nn.Linear a layer, the time their input, as FFJORD's code has it (ours in its manner, not a copy)."""

    def __init__(self, w):
        super().__init__()
        outputs, inputs = w["W"].shape
        self.affine, self.gate = nn.Linear(inputs, outputs), nn.Linear(1, outputs)
        self.shift = nn.Linear(1, outputs, bias=False)
        with torch.no_grad():
            for parameter, value in ((self.affine.weight, w["W"]), (self.affine.bias, w["b"]),
                                     (self.gate.weight, w["gw"][:, None]), (self.gate.bias, w["gb"]),
                                     (self.shift.weight, w["hb"][:, None])):
                parameter.copy_(torch.from_numpy(value))

    def forward(self, t, x):
        return self.affine(x) * torch.sigmoid(self.gate(t.view(1, 1))) + self.shift(t.view(1, 1))


class FfjordField(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.layers = nn.ModuleList(FfjordLayer(w) for w in weights)
        self.evaluations = 0

    def forward(self, t, state):
        self.evaluations += 1
        x = state[0]
        with torch.set_grad_enabled(True):
            x.requires_grad_(True)
            t.requires_grad_(True)
            dx = x
            for l, layer in enumerate(self.layers):
                dx = layer(t, dx)
                dx = torch.tanh(dx) if l < len(self.layers) - 1 else dx
            trace = 0.0
            for i in range(x.shape[1]):
                trace += torch.autograd.grad(dx[:, i].sum(), x, create_graph=True)[0].contiguous()[:, i].contiguous()
        return dx, -trace.view(-1, 1)


def log_normal(z):
    return -0.5 * (z * z).sum(1) - 0.5 * math.log(2 * math.pi) * z.shape[1]


def solve(field, state, begin, end, method, gradient):
    solver = (dict(method="rk4", options=dict(step_size=abs(end - begin) / RK4_STEPS)) if method == "rk4" else
              dict(method="dopri5", rtol=TOLERANCE, atol=TOLERANCE))
    times = torch.tensor([begin, end])
    if gradient == "backprop":
        return torchdiffeq.odeint(field, state, times, **solver)
    return torchdiffeq.odeint_adjoint(field, state, times, **solver)


def zuko_solve(field, x, delta):
    from zuko.utils import odeint
    field.evaluations = 0

    def f(t, x, delta):
        field.evaluations += 1
        return field.augmented(t, x)

    return odeint(f, (x, delta), 0.0, T_END, tuple(field.parameters()), TOLERANCE, TOLERANCE)


def counts(evaluations):
    """The means of (forward, forward and backward) over the iterations."""
    forward, total = (sum(e[k] for e in evaluations) / len(evaluations) for k in (0, 1))
    return {"evaluations": forward, **({"evaluations_backward": total - forward} if total > forward else {})}


def setting_of(method, a):
    words = [NAMED[method], a.gradient, f"{a.divergence} divergence"]
    return ", ".join(words + (["torch.compile"] if a.compile else []))


def training(a):
    """W1 and W2: forward, gradient and Adam at rate 0, so that every iteration does the same work."""
    method = "rk4" if a.workload == "W2" else "dopri5"
    weights = workload.trained_weights()
    field = FfjordField(weights) if a.peer == "FFJORD's way" else Field(weights, a.divergence, compiled=a.compile)
    adam = torch.optim.Adam(field.parameters(), lr=0.0, fused=True)
    batch = workload.batches(a.batch)
    losses, evaluations = [], []

    def step(i):
        x = torch.from_numpy(batch(i))
        delta = torch.zeros(len(x), 1)
        adam.zero_grad(set_to_none=True)
        field.evaluations = 0
        if a.peer == "zuko":
            z, delta = zuko_solve(field, x, delta)
        else:
            z, delta = (s[-1] for s in solve(field, (x, delta), 0.0, T_END, method, a.gradient))
        loss = -(log_normal(z) - delta[:, 0]).mean()
        forward = field.evaluations
        loss.backward()
        adam.step()
        evaluations.append((forward, field.evaluations))
        losses.append(loss.detach())

    measured = measure(step)
    agree("the first batch's NLL", float(losses[0]), workload.FIRST_NLL[a.batch], 1e-3)
    name = "W2" if a.workload == "W2" else f"W1-b{a.batch}"
    extra = ["zuko"] if a.peer == "zuko" else ["torchdiffeq"]
    report(name, a.peer, setting_of(method, a), ["torch"] + extra, measured, **counts(evaluations))


def log_density(a):
    """W3, in chunks."""
    points, cell = workload.grid()
    field = Field(workload.trained_weights(), compiled=a.compile).requires_grad_(False)

    def step(i):
        parts = []
        field.evaluations = 0
        for x in torch.from_numpy(points).split(a.chunk):
            z, delta = solve(field, (x, torch.zeros(len(x), 1)), 0.0, T_END, a.method, "backprop")
            parts.append(log_normal(z[-1]) - delta[-1][:, 0])
        step.log_p, step.evaluations = torch.cat(parts), field.evaluations / len(parts)

    with torch.inference_mode():
        measured = measure(step)
    agree("the mass on the grid", float(step.log_p.double().exp().sum()) * cell, *workload.GRID_MASS)
    setting = f"{NAMED[a.method]}, tangent divergence, chunks of {a.chunk}" + (", torch.compile" if a.compile else "")
    report(f"W3-{a.method}", a.peer, setting, ["torch", "torchdiffeq"], measured, len(points),
           evaluations=step.evaluations)


def sampling(a):
    """W4, in chunks."""
    field = Field(workload.trained_weights(), compiled=a.compile)
    chunks = POINTS // a.chunk

    def step(i):
        parts = []
        field.evaluations = 0
        for _ in range(chunks):
            parts.append(solve(field, torch.randn(a.chunk, 2), T_END, 0.0, a.method, "backprop")[-1])
        step.x, step.evaluations = torch.cat(parts), field.evaluations / chunks

    with torch.inference_mode():
        measured = measure(step)
    agree("the samples' true NLL", -workload.eight_gaussians_log_density(step.x.numpy()).mean(), *workload.SAMPLES_NLL)
    setting = f"{NAMED[a.method]}, chunks of {a.chunk}" + (", torch.compile" if a.compile else "")
    report(f"W4-{a.method}", a.peer, setting, ["torch", "torchdiffeq"], measured, chunks * a.chunk,
           evaluations=step.evaluations)


def flow_matching(a):
    """W5: one step of conditional flow matching; the network sees (x, t) and has no gates."""
    from torchcfm.conditional_flow_matching import ConditionalFlowMatcher
    from torchcfm.models.models import MLP
    linear = [nn.Linear(n, m) for n, m in ((3, 64), (64, 64), (64, 64), (64, 2))]
    tanh = nn.Sequential(linear[0], nn.Tanh(), linear[1], nn.Tanh(), linear[2], nn.Tanh(), linear[3])
    model = MLP(dim=2, time_varying=True) if a.activation == "selu" else tanh
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    matcher = ConditionalFlowMatcher(sigma=0.0)
    batch = workload.batches(256)

    def step(i):
        data = torch.from_numpy(batch(i))
        t, x, velocity = matcher.sample_location_and_conditional_flow(torch.randn_like(data), data)
        adam.zero_grad(set_to_none=True)
        torch.mean((model(torch.cat([x, t[:, None]], -1)) - velocity) ** 2).backward()
        adam.step()

    measured = measure(step)
    setting = "3 x 64 tanh" if a.activation == "tanh" else "its own MLP, 3 x 64 SELU"
    report("W5", "torchcfm", setting, ["torch", "torchcfm"], measured)


def tabular(a):
    """W6: one Hutchinson probe a block, drawn anew each iteration."""
    dims, activation, size, blocks, t_end = TABULAR[a.workload[3:]]
    fields = nn.ModuleList(
        Field(workload.random_weights(dims, b), "hutchinson", activation, a.compile) for b in range(blocks))
    adam = torch.optim.Adam(fields.parameters(), lr=0.0, fused=True)
    batch = workload.tabular_batches(dims[0], size)
    losses, evaluations = [], []

    def step(i):
        x, delta = torch.from_numpy(batch(i)), torch.zeros(size, 1)
        adam.zero_grad(set_to_none=True)
        for field in fields:
            field.evaluations = 0
            field.probe = torch.randint(0, 2, x.shape).float() * 2 - 1
            x, delta = (s[-1] for s in solve(field, (x, delta), 0.0, t_end, "dopri5", a.gradient))
        loss = -(log_normal(x) - delta[:, 0]).mean()
        forward = sum(field.evaluations for field in fields)
        loss.backward()
        adam.step()
        losses.append(loss.detach())
        evaluations.append((forward, sum(field.evaluations for field in fields)))

    measured = measure(step)
    agree("the first batch's NLL", float(losses[0]), *workload.TABULAR_NLL[a.workload[3:]])
    setting = f"dopri5, {a.gradient}, one probe in forward mode" + (", torch.compile" if a.compile else "")
    report(a.workload, a.peer, setting, ["torch", "torchdiffeq"], measured, **counts(evaluations))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload")
    parser.add_argument("--peer", default="torchdiffeq")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--method", default="dopri5")
    parser.add_argument("--gradient", default="backprop", choices=["backprop", "adjoint"])
    parser.add_argument("--divergence", default="tangent", choices=["tangent", "reverse"])
    parser.add_argument("--activation", default="tanh", choices=["tanh", "selu"])
    parser.add_argument("--chunk", type=int, default=4096)
    parser.add_argument("--compile", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    torch._functorch.config.donated_buffer = False  # the adjoint asks for a graph's gradient twice
    {"W1": training, "W2": training, "W3": log_density, "W4": sampling, "W5": flow_matching}.get(a.workload, tabular)(a)


if __name__ == "__main__":
    main()
