"""The runtimes that are measured side by side: how each compiles a model, and how it runs it.

`compile` writes what a device would get into a folder; `load` reads it and gives a function of no
arguments that runs the model once on its inputs, and what that returns first. Loading happens in a
process of its own, so that what a runtime imports and allocates is its own.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Run = Callable[[], Any]


@dataclass(frozen=True)
class Engine:
    """A runtime: `package` must be installed, `compile(model, inputs, folder)` writes into a
    folder, `load(folder, inputs, threads)` gives the function that runs it."""

    name: str
    package: str
    compile: Callable[[Any, Sequence[Any], Path], None]
    load: Callable[[Path, Sequence[Array], int], Run]

    @property
    def is_installed(self) -> bool:
        """Whether its package can be imported."""
        return find_spec(self.package.partition(".")[0]) is not None


def first_output(result: Any) -> Array:
    """The first tensor of what a runtime returned, as an array."""
    while isinstance(result, list | tuple | Mapping):
        container = cast(Any, result)
        result = next(iter(container.values() if isinstance(result, Mapping) else container))
    return np.asarray(result)


def _module(name: str) -> Any:
    """A package that is imported when it is used; most of them are only partly typed."""
    return import_module(name)


def _export(model: Any, inputs: Sequence[Any]) -> Any:
    return _module("torch").export.export(model, tuple(inputs))


def _compile_edgeir(*backends: str) -> Callable[[Any, Sequence[Any], Path], None]:
    def compile(model: Any, inputs: Sequence[Any], folder: Path) -> None:
        import edgeir

        program = edgeir.compile(_export(model, inputs), backends=list(backends))
        (folder / "model.pte").write_bytes(program.buffer)

    return compile


def _load_edgeir(*backends: str) -> Callable[[Path, Sequence[Array], int], Run]:
    def load(folder: Path, inputs: Sequence[Array], threads: int) -> Run:
        from edgeir.runtime.module import load as load_program

        module = load_program(folder / "model.pte", backends=list(backends), threads=threads)
        return lambda: module(*inputs)

    return load


def _compile_executorch(model: Any, inputs: Sequence[Any], folder: Path) -> None:
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # it uses what PyTorch has deprecated
    xnnpack = _module("executorch.backends.xnnpack.partition.xnnpack_partitioner")
    lower = _module("executorch.exir").to_edge_transform_and_lower
    edge = lower(_export(model, inputs), partitioner=[xnnpack.XnnpackPartitioner()])
    (folder / "model.pte").write_bytes(edge.to_executorch().buffer)


def _load_executorch(folder: Path, inputs: Sequence[Array], threads: int) -> Run:
    torch = _module("torch")
    torch.set_num_threads(threads)
    runtime = _module("executorch.runtime").Runtime.get()
    runtime._legacy_module._unsafe_reset_threadpool(threads)
    program = (folder / "model.pte").read_bytes()
    loaded = runtime.load_program(program)
    method = loaded.load_method("forward")
    tensors = [torch.from_numpy(array) for array in inputs]
    run = method._method

    def call() -> Any:
        assert program and loaded and method
        return run(tensors, False)  # outputs are not cloned

    return call


def _compile_onnx(model: Any, inputs: Sequence[Any], folder: Path) -> None:
    torch = _module("torch")
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.onnx.export(
        model, tuple(inputs), str(folder / "model.onnx"), dynamo=True, external_data=False,
        verbose=False,
    )  # fmt: skip


def _load_onnxruntime(folder: Path, inputs: Sequence[Array], threads: int) -> Run:
    ort = _module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(folder / "model.onnx"), options)
    feed = {i.name: array for i, array in zip(session.get_inputs(), inputs, strict=True)}
    return lambda: session.run(None, feed)


def _load_openvino(folder: Path, inputs: Sequence[Array], threads: int) -> Run:
    core = _module("openvino").Core()
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(folder / "model.onnx"), "CPU", options)
    request = compiled.create_infer_request()
    feed = dict(enumerate(inputs))
    return lambda: request.infer(feed, share_inputs=True, share_outputs=True)


def _compile_eager(model: Any, inputs: Sequence[Any], folder: Path) -> None:
    _module("torch").save(model, folder / "model.pt")


def _load_torch(*, inductor: bool) -> Callable[[Path, Sequence[Array], int], Run]:
    def load(folder: Path, inputs: Sequence[Array], threads: int) -> Run:
        torch = _module("torch")
        _module(f"{__package__}.models")
        torch.set_num_threads(threads)
        model: Any = torch.load(folder / "model.pt", weights_only=False)
        tensors = [torch.from_numpy(array) for array in inputs]
        run: Any = torch.compile(model) if inductor else model

        def call() -> Any:
            with torch.inference_mode():
                return run(*tensors)

        call()
        return call

    return load


ENGINES: tuple[Engine, ...] = (
    Engine("edgeir-llvm", "edgeir.runtime.module", _compile_edgeir("llvm"), _load_edgeir("llvm")),
    Engine("edgeir", "edgeir.runtime.module", _compile_edgeir(), _load_edgeir()),
    Engine("executorch-xnnpack", "executorch.runtime", _compile_executorch, _load_executorch),
    Engine("onnxruntime", "onnxruntime", _compile_onnx, _load_onnxruntime),
    Engine("openvino", "openvino", _compile_onnx, _load_openvino),
    Engine("eager", "torch", _compile_eager, _load_torch(inductor=False)),
    Engine("inductor", "torch", _compile_eager, _load_torch(inductor=True)),
)
"""What is measured if it is installed; ours first, ratios are against it."""


def engine(name: str) -> Engine:
    """The engine of that name; KeyError if there is none."""
    return {known.name: known for known in ENGINES}[name]


def pin(threads: int) -> None:
    """Keep this process on as many cores as it has threads, and libraries to as many threads."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
