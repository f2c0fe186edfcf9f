"""The test models are worth testing with: deterministic, lively, and torch.export takes them."""

from pathlib import Path

import pytest
import torch
from registry import MODELS, NAMES, build_small
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_leaves

# Files of this folder that hold no model.
SUPPORT = {"lively", "registry", "text_models"}


def run(model: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    with torch.no_grad():
        return tree_leaves(model(*inputs))


def changed(tensor: torch.Tensor) -> torch.Tensor:
    """Return other values of the same kind: other tokens, other features."""
    return tensor.roll(1, -1) if not tensor.is_floating_point() else tensor.flip(-1) + 0.1


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def built(name: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    return build_small(name)


def test_every_file_is_registered():
    files = {path.stem for path in Path(__file__).parent.glob("*.py")}
    assert {stem for stem in files if not stem.startswith("test_")} == SUPPORT | set(MODELS)


def test_outputs_are_lively(built):
    model, inputs = built
    assert not model.training
    for output, other in zip(
        run(model, inputs), run(model, tuple(map(changed, inputs))), strict=True
    ):
        assert output.isfinite().all()
        assert output.std() > 0.05
        assert (output - other).std() > 0.1 * output.std()


def test_batch_norms_have_statistics(built):
    for module in built[0].modules():
        if isinstance(module, _BatchNorm):
            assert (module.running_var != 1).all()
            assert (module.running_mean != 0).all()


def test_builds_are_equal(name, built):
    model, inputs = built
    again, inputs_again = build_small(name)
    state = again.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(map(torch.equal, inputs, inputs_again))


# PyTorch's own recurrent layers set their list of weights again while they are exported.
@pytest.mark.filterwarnings("ignore:The tensor attribute")
def test_export(built):
    model, inputs = built
    exported = torch.export.export(model, inputs)
    for expected, output in zip(run(model, inputs), run(exported.module(), inputs), strict=True):
        torch.testing.assert_close(output, expected)
