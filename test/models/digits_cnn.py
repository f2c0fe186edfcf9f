"""The small convolutional network of the digits demo, untrained."""

from lively import Model, finish, images, seeded
from torch import Tensor, nn


class DigitsCnn(nn.Module):
    """Two convolutions with batch norm, one pooling, one linear layer: [n, 1, 8, 8] to [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Linear(32 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def build() -> Model:
    """Return the network and one picture [1, 1, 8, 8]."""
    with seeded():
        return finish(DigitsCnn(), images(4, 1, 8))
