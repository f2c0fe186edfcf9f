"""A sequence classifier around a bidirectional GRU, given its first state."""

import torch
from lively import Model, finish, seeded
from torch import Tensor, nn


class GruClassifier(nn.Module):
    """Features [n, time, 16] and a state [n, 2, 32] to logits [n, classes] and the last state."""

    def __init__(self, classes: int = 20) -> None:
        super().__init__()
        self.gru = nn.GRU(16, 32, bidirectional=True)
        self.classifier = nn.Linear(64, classes)
        for name, weight in self.gru.named_parameters():
            if name.startswith("weight"):
                nn.init.normal_(weight, std=0.3)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        outputs, state = self.gru(features.transpose(0, 1), state.transpose(0, 1).contiguous())
        return self.classifier(outputs.mean(0)), state


def build() -> Model:
    """Return the classifier, one sequence [1, 10, 16] and one state [1, 2, 32]."""
    with seeded():
        return finish(GruClassifier(), torch.randn(4, 10, 16), torch.randn(4, 2, 32))
