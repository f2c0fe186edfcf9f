"""A small vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929), pre-norm."""

import torch
from lively import Model, finish, images, seeded
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Self-attention of several heads on [n, tokens, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        nn.init.xavier_normal_(self.queries_keys_values.weight, gain=2)
        nn.init.xavier_normal_(self.projection.weight)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        split = self.queries_keys_values(x).reshape(batch, tokens, 3, self.heads, -1)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind()
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        return self.projection(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """Attention and a perceptron, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class VisionTransformer(nn.Module):
    """Patches and a class token through the blocks: [n, 3, h, w] to logits [n, classes]."""

    def __init__(
        self,
        resolution: int,
        patch: int = 8,
        width: int = 96,
        heads: int = 3,
        depth: int = 4,
        classes: int = 100,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(0.2 * torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.2 * torch.randn(1, (resolution // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        class_token = self.class_token.expand(x.shape[0], -1, -1)
        tokens = torch.cat([class_token, tokens], dim=1) + self.positions
        return self.classifier(self.norm(self.blocks(tokens))[:, 0])


def build(resolution: int = 64) -> Model:
    """Return the transformer and one picture [1, 3, resolution, resolution]."""
    with seeded():
        return finish(VisionTransformer(resolution), images(4, 3, resolution))
