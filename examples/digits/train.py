"""Train a small convolutional network on scikit-learn's handwritten digits, in seconds.

The data set comes with scikit-learn: 1,797 pictures of 8x8 pixels with values 0 to 16.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

EPOCHS = 12
BATCH = 64


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
        """Return the logits [n, 10] of the pictures [n, 1, 8, 8]."""
        return self.classifier(self.features(x).flatten(1))


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x_train, x_test f32 [n, 1, 8, 8] in 0 to 1, and y_train, y_test i64 [n].

    A quarter of the pictures is for testing, the classes in equal shares.
    """
    data = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        data.data, data.target, test_size=0.25, stratify=data.target, random_state=seed
    )
    pictures = [
        torch.tensor(x / 16, dtype=torch.float32).view(-1, 1, 8, 8) for x in (x_train, x_test)
    ]
    return pictures[0], pictures[1], torch.tensor(y_train), torch.tensor(y_test)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of rows of `logits` [n, classes] whose largest entry is at `labels` [n]."""
    return (logits.argmax(1) == labels).double().mean().item()


def train_digits_cnn(seed: int = 0) -> tuple[DigitsCnn, tuple[Tensor, Tensor]]:
    """Train the network; return it in eval mode with the test set (x [n, 1, 8, 8], y [n]).

    The same seed gives the same weights, and PyTorch's global generator is left as it was.
    """
    x_train, x_test, y_train, y_test = digits(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DigitsCnn()
        steps = EPOCHS * -(-len(x_train) // BATCH)
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(x_train)).split(BATCH):
                loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return model.eval(), (x_test, y_test)


def main() -> None:
    """Train and print the accuracy on the test set."""
    model, (x_test, y_test) = train_digits_cnn()
    with torch.no_grad():
        print(f"accuracy on {len(x_test)} test pictures: {accuracy(model(x_test), y_test):.2%}")


if __name__ == "__main__":
    main()
