"""A GPT-2 decoder of two layers from a `transformers` configuration, random weights."""

import torch
from lively import Model, finish, seeded
from text_models import GPT2Config, GPT2LMHeadModel
from torch import Tensor, nn

CONFIG = GPT2Config(
    vocab_size=200,
    n_embd=64,
    n_layer=2,
    n_head=4,
    n_positions=64,
    initializer_range=0.2,  # 0.02 of a trained model's start leaves attention uniform
    use_cache=False,
    bos_token_id=0,
    eos_token_id=0,
)


class Gpt2(nn.Module):
    """Tokens [n, time] i64 to logits [n, time, vocabulary]; the head is tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = GPT2LMHeadModel(CONFIG)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.decoder(input_ids=tokens).logits


def build() -> Model:
    """Return the decoder and one sentence [1, 16] of i64 tokens."""
    with seeded():
        return finish(Gpt2(), torch.randint(0, 200, (4, 16)))
