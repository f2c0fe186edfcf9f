"""MobileNetV2 of width 1.0 (Sandler et al. 2018, arXiv:1801.04381, table 2)."""

from lively import Model, finish, images, seeded
from torch import Tensor, nn

# Expansion factor, output channels, number of blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list:
    """Return a same-padded convolution without bias, its batch norm and the clipped relu."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    ]


class InvertedResidual(nn.Module):
    """Expand with 1x1, filter depthwise with 3x3, project with 1x1; add the input if it fits."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers = convolution(inputs, hidden, 1) if expansion != 1 else []
        layers += convolution(hidden, hidden, 3, stride, groups=hidden)
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV2(nn.Module):
    """The whole network: pictures [n, 3, h, w] to logits [n, classes]."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        channels = 32
        layers = convolution(3, channels, 3, stride=2)
        for expansion, outputs, count, first_stride in STAGES:
            for stride in (first_stride, *[1] * (count - 1)):
                layers.append(InvertedResidual(channels, outputs, expansion, stride))
                channels = outputs
        layers += convolution(channels, 1280, 1)
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.pool(self.features(x)).flatten(1))


def build(resolution: int = 224) -> Model:
    """Return MobileNetV2 and one picture [1, 3, resolution, resolution]."""
    with seeded():
        return finish(MobileNetV2(), images(4, 3, resolution))
