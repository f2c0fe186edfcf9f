"""Complex numbers: their parts, functions, and complex numbers as arguments, against eager."""

import pytest
import torch

import edgeir


class Call(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def complex_numbers(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, dtype=torch.complex64, generator=generator)


X = complex_numbers(3, 4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.conj() @ x.mT.contiguous(),
        lambda x: torch.complex(x.imag, x.real),
        lambda x: torch.view_as_complex(torch.view_as_real(x) * 2),
        lambda x: torch.polar(x.abs(), x.angle()),
        lambda x: x.conj().imag + x.real,
        lambda x: x * (1 + 2j) + 3j,
        lambda x: x.real * 2j,
        lambda x: torch.full((2, 2), 1j) + torch.where(x.real > 0, x, 0.5j)[:2, :2],
        lambda x: torch.addmm(x[:, :3], x, x.mT, alpha=1j, beta=2 - 1j),
        lambda x: x.var() + x.std(0).sum() + torch.linalg.vector_norm(x),
        lambda x: torch.exp(x) / (1 + torch.sigmoid(x)).sqrt() ** 1.5,
        lambda x: torch.nn.functional.conv1d(x, x[:, :, None].expand(3, 4, 2)[:, :3], padding=1),
        lambda x: (x == x.flip(0)) | x.isnan(),
    ],
)
def test_function(function):
    module = Call(function)
    program = edgeir.compile(module, (X,))
    result = torch.from_numpy(edgeir.load(program.buffer)(X.numpy()))
    torch.testing.assert_close(result, module(X).resolve_conj().resolve_neg())


@pytest.mark.parametrize(
    "x", [torch.tensor([-1.0, -0.0, 0.0, 2.0, torch.nan]), torch.tensor([-3, 0, 4])]
)
def test_angle_of_real_numbers(x):
    program = edgeir.compile(Call(torch.angle), (x,))
    result = torch.from_numpy(edgeir.load(program.buffer)(x.numpy()))
    torch.testing.assert_close(result, torch.angle(x), equal_nan=True)
