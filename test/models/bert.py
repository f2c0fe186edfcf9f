"""A BERT encoder of two layers from a `transformers` configuration, random weights."""

import torch
from lively import Model, finish, seeded
from text_models import BertConfig, BertModel
from torch import Tensor, nn

CONFIG = BertConfig(
    vocab_size=200,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    max_position_embeddings=64,
    initializer_range=0.2,  # 0.02 of a trained model's start leaves attention uniform
)


class Bert(nn.Module):
    """Tokens and their mask, both [n, time] i64, to hidden states [n, time, 64], pooled [n, 64]."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel(CONFIG)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.bert(input_ids=tokens, attention_mask=mask)
        return outputs.last_hidden_state, outputs.pooler_output


def build() -> Model:
    """Return the encoder and one sentence of 16 tokens, the last three of them padding."""
    with seeded():
        mask = (torch.arange(16) < torch.tensor([[13], [16], [9], [11]])).long()
        return finish(Bert(), torch.randint(0, 200, (4, 16)), mask)
