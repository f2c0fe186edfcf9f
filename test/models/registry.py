"""The test models by name: `MODELS[name]()` returns an eval-mode model and its example inputs.

A model is a file of this folder with a function `build`; its name is the file's.  Builders of
image models take `resolution`; `build_small` gives the large ones a low one, for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from lively import Model

NAMES = (
    "mlp",
    "digits_cnn",
    "mobilenet_v2",
    "resnet18",
    "vit",
    "convnext",
    "bert",
    "gpt2",
    "lstm",
    "gru",
)

SMALL = {"mobilenet_v2": {"resolution": 64}, "resnet18": {"resolution": 64}}


def _builder(name: str) -> Callable[..., Model]:
    """Return the builder of a model; its file is imported at the first call."""
    return lambda **options: import_module(name).build(**options)


MODELS: dict[str, Callable[..., Model]] = {name: _builder(name) for name in NAMES}


def build_small(name: str) -> Model:
    """Build the model at the size that tests use."""
    return MODELS[name](**SMALL.get(name, {}))
