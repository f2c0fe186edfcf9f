"""A stack of ConvNeXt blocks (Liu et al. 2022, arXiv:2201.03545) of two stages."""

import torch
from lively import Model, finish, images, seeded
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of [n, channels, h, w]."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Depthwise 7x7, layer norm, pointwise perceptron with gelu, layer scale, shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, 4 * channels)
        self.project = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.empty(channels).uniform_(0.5, 1.5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x).permute(0, 2, 3, 1)
        y = self.scale * self.project(F.gelu(self.expand(self.norm(y))))
        return x + y.permute(0, 3, 1, 2)


class ConvNext(nn.Module):
    """Stem, two stages of blocks with a halving between them: [n, 3, h, w] to [n, classes]."""

    def __init__(self, widths: tuple[int, int] = (32, 64), classes: int = 100) -> None:
        super().__init__()
        first, second = widths
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, 4, stride=4),
            ChannelNorm(first, eps=1e-6),
            Block(first),
            Block(first),
            ChannelNorm(first, eps=1e-6),
            nn.Conv2d(first, second, 2, stride=2),
            Block(second),
            Block(second),
        )
        self.norm = nn.LayerNorm(second, eps=1e-6)
        self.classifier = nn.Linear(second, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.norm(self.layers(x).mean((2, 3))))


def build(resolution: int = 64) -> Model:
    """Return the stack and one picture [1, 3, resolution, resolution]."""
    with seeded():
        return finish(ConvNext(), images(4, 3, resolution))
