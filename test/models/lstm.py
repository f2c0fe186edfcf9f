"""A language model around a two-layer LSTM, with its state as further outputs."""

import torch
from lively import Model, finish, seeded
from torch import Tensor, nn


class LstmTagger(nn.Module):
    """Tokens [n, time] to logits [n, time, classes] and the last state (h, c), each [2, n, 48]."""

    def __init__(self, vocabulary: int = 100, classes: int = 20) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 32)
        self.lstm = nn.LSTM(32, 48, num_layers=2, batch_first=True)
        self.classifier = nn.Linear(48, classes)
        for name, weight in self.lstm.named_parameters():
            if name.startswith("weight"):
                nn.init.normal_(weight, std=0.3)

    def forward(self, tokens: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, state = self.lstm(self.embedding(tokens))
        return self.classifier(outputs), state


def build() -> Model:
    """Return the model and one sentence [1, 12] of i64 tokens."""
    with seeded():
        return finish(LstmTagger(), torch.randint(0, 100, (4, 12)))
