"""f16 and bf16 are rounded where PyTorch's own kernels round them, to the tolerances of PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import edgeir

HALF, BRAIN = torch.float16, torch.bfloat16


class Call(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape)


INDEX = torch.tensor([0, 2, 2, 4])
CASES = {
    "add": (lambda x, y: torch.add(x, y, alpha=-3.1), (5, 6), (5, 6)),
    "trunc": (lambda x, y: torch.div(x, y, rounding_mode="trunc"), (40, 5), ()),
    "addbmm": (lambda x, a, b: torch.addbmm(x, a, b, alpha=0.6), (4, 6), (7, 4, 5), (7, 5, 6)),
    "addr": (lambda x, a, b: torch.addr(x, a, b, beta=0.2, alpha=0.6), (5, 7), (5,), (7,)),
    "cross": (lambda x, y: torch.linalg.cross(x, y, dim=0), (3, 1), (3, 20)),
    "soft margin": (
        lambda x, y: functional.soft_margin_loss(x * 9, y.sign(), reduction="none"),
        (20,),
        (20,),
    ),
    "logit": (lambda x: torch.logit(x.sigmoid(), 0.1), (40,)),
    "batch norm": (
        lambda x, w, b: functional.batch_norm(x, None, None, w, b, training=True),
        (5, 4, 6),
        (4,),
        (4,),
    ),
    "layer norm": (lambda x, w: functional.layer_norm(x, [1], w), (9, 1), (1,)),
    "pooling": (lambda x: functional.adaptive_avg_pool3d(x, [2, 3, 2]), (2, 3, 5, 7, 4)),
    "bilinear": (functional.bilinear, (6, 5), (6, 4), (3, 5, 4), (3,)),
    "transposed convolution": (
        lambda x, w, b: functional.conv_transpose3d(x, w, b, output_padding=1, dilation=2),
        (2, 4, 3, 4, 3),
        (4, 2, 3, 3, 2),
        (2,),
    ),
    "mean of an index": (
        lambda x, y: torch.index_reduce(x, 1, INDEX, y, "mean"),
        (6, 5),
        (6, 4),
    ),
    "histogram": (lambda x: torch.histc(x, 20), (200,)),
}


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("dtype", [HALF, BRAIN], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_rounds_as_eager(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    function, *shapes = CASES[name]
    inputs = tuple(numbers(*shape).to(dtype) for shape in shapes)
    with torch.no_grad():
        wanted = function(*inputs)
    result = edgeir.load(edgeir.compile(Call(function), inputs).buffer)(*inputs)
    bits = torch.from_numpy(np.asarray(result).view(np.int16).copy()).view(dtype)
    torch.testing.assert_close(bits, wanted)


@pytest.mark.parametrize("dtype", [HALF, BRAIN], ids=str)
def test_attention_multiplies_by_rounded_weights(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    inputs = tuple(numbers(2, 4, 6, 8).to(dtype) for _ in range(3))
    attention = functional.scaled_dot_product_attention
    program = edgeir.compile(Call(attention), inputs, target_runtime="edgeir")
    result = edgeir.load(program.buffer)(*inputs)
    bits = torch.from_numpy(np.asarray(result).view(np.int16).copy()).view(dtype)
    torch.testing.assert_close(bits, attention(*inputs))


def test_a_named_target_gets_a_decomposition() -> None:
    inputs = (numbers(2, 3, 4, 6, 4).half(),)
    pool = Call(lambda x: functional.adaptive_avg_pool3d(x, [2, 3, 2]))
    assert "interpreter only" in str(edgeir.compile(pool, inputs).warnings)
    assert not edgeir.compile(pool, inputs, target_runtime="executorch-1.5").warnings


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_complex_numbers_of_two_halves() -> None:
    x = torch.complex(numbers(3, 4), numbers(3, 4))
    module = edgeir.load(edgeir.compile(Call(lambda x: x.chalf()), (x,)).buffer)
    parts = np.asarray(module(x)).view(np.float16).reshape(3, 4, 2)
    assert np.array_equal(parts, torch.view_as_real(x).half().numpy())
    narrow = x.chalf()
    module = edgeir.load(edgeir.compile(Call(torch.view_as_real), (narrow,)).buffer)
    assert np.array_equal(module(narrow), parts)
