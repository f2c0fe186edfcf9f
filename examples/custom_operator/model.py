"""The operator in PyTorch, and a model that uses it.

`python -m examples.custom_operator.model model.pt2` writes the exported model.
"""

from __future__ import annotations

import sys

import torch


@torch.library.custom_op("my_ops::keep_largest", mutates_args=())
def keep_largest(x: torch.Tensor, k: int = 1) -> torch.Tensor:
    """`x` with all but the `k` largest entries of each row set to zero; `x` has any shape `(…, n)`.

    Entries that equal the k-th largest one are kept too.
    """
    threshold = x.topk(k, dim=-1).values[..., -1:]
    return torch.where(x >= threshold, x, torch.zeros_like(x))


@keep_largest.register_fake
def _(x: torch.Tensor, k: int = 1) -> torch.Tensor:
    return torch.empty_like(x)


class SparseNet(torch.nn.Module):
    """Two linear layers, three of sixteen units active between them: `(n, 8) → (n, 4)`."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(8, 16)
        self.output = torch.nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The output of the second layer."""
        return self.output(keep_largest(self.hidden(x), 3))


def build() -> tuple[torch.nn.Module, tuple[torch.Tensor]]:
    """The model, the same at every call, and example inputs of shape `(2, 8)`."""
    torch.manual_seed(0)
    return SparseNet().eval(), (torch.randn(2, 8),)


def main() -> None:
    """Write the exported model to the file that the command line names."""
    torch.export.save(torch.export.export(*build()), sys.argv[1])


if __name__ == "__main__":
    main()
