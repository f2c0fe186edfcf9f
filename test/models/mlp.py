"""A perceptron with two hidden layers on flattened 8x8 pictures."""

import torch
from lively import Model, finish, seeded
from torch import nn


def build() -> Model:
    """Return the perceptron and one picture [1, 1, 8, 8]."""
    with seeded():
        model = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.Tanh(),
            nn.Linear(64, 10),
        )
        return finish(model, torch.randn(4, 1, 8, 8))
