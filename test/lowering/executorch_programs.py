"""Programs that ExecuTorch's own compiler makes: `PROGRAMS[name]()` gives (bytes, runs).

A run is a method's name and its inputs; the runs of a program go in order, with the same state.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.export import Dim, export

with warnings.catch_warnings():
    # Its import uses deprecated parts of importlib; our tests turn warnings into errors.
    warnings.simplefilter("ignore")
    import executorch.exir as exir
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

Runs = list[tuple[str, tuple[Any, ...]]]


def _compile(
    methods: Any, *, delegate: bool = False, constants: Any = None, **config: Any
) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edge = exir.to_edge(methods, constant_methods=constants)
        if delegate:
            edge = edge.to_backend(XnnpackPartitioner())
        return bytes(edge.to_executorch(exir.ExecutorchBackendConfig(**config)).buffer)


class ConvNet(nn.Module):
    """Convolution, batch norm, pooling; operators with several outs and with lists."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.head = nn.Linear(8, 6)

    def forward(self, x):
        y = self.head(self.layers(x).mean((2, 3)))
        values, indices = torch.topk(y, 2)
        left, right = y.split(3, 1)
        return {"values": values, "indices": indices}, left - right, y[:, [0, 1]]


class Cond(nn.Module):
    """Two branches: jumps and moves."""

    def forward(self, p, x):
        return torch.cond(p, lambda x: x.sin() + 1, lambda x: x * 2, (x,)) * 3


class TwoConds(nn.Module):
    """Two results of branches that are used together: the stock compiler overlaps them."""

    def forward(self, p, x):
        a = torch.cond(p, lambda x: x.sin() + 1, lambda x: x * 2, (x,))
        b = torch.cond(p, lambda x: x.cos() + 100, lambda x: x * 200, (x,))
        return a, b, a + b


class NestedCond(nn.Module):
    """A branch inside a branch."""

    def forward(self, p, q, x):
        def inner(x):
            return torch.cond(q, lambda x: x + 3, lambda x: x - 7, (x,)) * 2

        return torch.cond(p, inner, lambda x: x * 2, (x,))


class Map(nn.Module):
    """A loop over rows."""

    def forward(self, xs):
        from functorch.experimental.control_flow import map

        return map(lambda x: (x * 2).sin(), xs)


class Dynamic(nn.Module):
    """Bounded sizes, size arithmetic and a returned size."""

    def forward(self, x, y):
        z = torch.cat([x, y])
        return z.reshape(-1) * 2, z.shape[0]


class Views(nn.Module):
    """Views, for which the compiler makes no instructions."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x):
        y = self.fc(x).view(3, 2, 2)
        z = y.reshape(12).relu()
        return z + y.view(12), z.view(2, 6).softmax(-1) @ self.fc.weight


class Counter(nn.Module):
    """A mutable buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.tensor([5.0, 7.0]))

    def forward(self, x):
        self.state.add_(x)
        return self.state * 2


def linear():
    x = torch.randn(2, 4)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    return _compile(export(model, (x,)), emit_stacktrace=True), [("forward", (x,))]


def conv_net():
    x = torch.randn(2, 3, 8, 8)
    return _compile(export(ConvNet().eval(), (x,))), [("forward", (x,))]


def unplanned_ends():
    x = torch.randn(2, 3, 8, 8)
    planning = exir.passes.MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=False)
    data = _compile(export(ConvNet().eval(), (x,)), memory_planning_pass=planning)
    return data, [("forward", (x,))]


def cond():
    x = torch.randn(3)
    data = _compile(export(Cond(), (torch.tensor(True), x)))
    return data, [("forward", (torch.tensor(p), x)) for p in (True, False, True)]


def two_conds():
    x = torch.randn(3)
    data = _compile(export(TwoConds(), (torch.tensor(True), x)))
    return data, [("forward", (torch.tensor(p), x)) for p in (True, False)]


def nested_cond():
    x, flags = torch.randn(3), [torch.tensor(True), torch.tensor(False)]
    data = _compile(export(NestedCond(), (flags[0], flags[1], x)))
    return data, [("forward", (p, q, x)) for p in flags for q in flags]


def map_rows():
    x = torch.randn(3, 4)
    return _compile(export(Map(), (x,))), [("forward", (x,)), ("forward", (x + 1,))]


def dynamic():
    d = Dim("d", min=2, max=8)
    inputs = (torch.randn(4, 3), torch.randn(4, 3))
    data = _compile(export(Dynamic(), inputs, dynamic_shapes=({0: d}, {0: d})))
    return data, [("forward", (torch.randn(n, 3), torch.randn(n, 3))) for n in (2, 8, 5)]


def views():
    x = torch.randn(2, 6)
    return _compile(export(Views(), (x,))), [("forward", (x,))]


def state():
    x = torch.ones(2)
    return _compile(export(Counter(), (x,))), [("forward", (x,))] * 3


def initial_state():
    x = torch.ones(2)
    passes = [InitializedMutableBufferPass(["state"])]
    data = _compile(export(Counter(), (x,)), passes=passes, emit_mutable_buffer_names=True)
    return data, [("forward", (x,))] * 3


def methods():
    model, x = nn.Linear(4, 3).eval(), torch.randn(2, 4)
    chain = nn.Sequential(model, nn.ReLU())
    constants = {"get_n": 3, "get_text": "größer", "get_t": torch.ones(2), "get_f": 0.1}
    data = _compile(
        {"forward": export(model, (x,)), "other": export(chain, (x,))}, constants=constants
    )
    return data, [("forward", (x,)), ("other", (x,)), *((name, ()) for name in constants)]


def delegated():
    x = torch.randn(2, 3, 8, 8)
    return _compile(export(ConvNet().eval(), (x,)), delegate=True), [("forward", (x,))]


def inline_delegate():
    x = torch.randn(2, 4)
    data = _compile(export(nn.ReLU(), (x,)), delegate=True, extract_delegate_segments=False)
    return data, [("forward", (x,))]


PROGRAMS: dict[str, Callable[[], tuple[bytes, Runs]]] = {
    f.__name__: f
    for f in (
        linear,
        conv_net,
        unplanned_ends,
        cond,
        two_conds,
        nested_cond,
        map_rows,
        dynamic,
        views,
        state,
        initial_state,
        methods,
        delegated,
        inline_delegate,
    )
}
DELEGATED = ("delegated", "inline_delegate")
