"""ResNet-18 (He et al. 2015, arXiv:1512.03385, table 1)."""

from lively import Model, finish, images, seeded
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)


def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Return a same-padded convolution without bias and its batch norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which projects where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, 3, 1)
        fits = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if fits else convolution(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return (self.second(self.first(x).relu()) + self.shortcut(x)).relu()


class ResNet18(nn.Module):
    """The whole network: pictures [n, 3, h, w] to logits [n, classes]."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, padding=1)
        )
        blocks: list[nn.Module] = []
        channels = 64
        for width in WIDTHS:
            blocks.append(BasicBlock(channels, width, 1 if width == 64 else 2))
            blocks.append(BasicBlock(width, width, 1))
            channels = width
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.pool(self.blocks(self.stem(x))).flatten(1))


def build(resolution: int = 224) -> Model:
    """Return ResNet-18 and one picture [1, 3, resolution, resolution]."""
    with seeded():
        return finish(ResNet18(), images(4, 3, resolution))
