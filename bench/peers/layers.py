"""Transformer parts shared by the two micro models."""
import math

import torch
from torch import nn
from torch.nn import functional as F


def forbid(allowed):
    """Additive attention mask of a boolean one."""
    return torch.zeros(allowed.shape).masked_fill_(~allowed, -math.inf)


def attend(query, key, value, mask=None):
    """Scaled dot-product attention, all [batch, heads, tokens, width]; mask is additive."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    query = query * query.shape[-1] ** -0.5
    if mask is None:
        return (query @ key.transpose(-1, -2)).softmax(-1) @ value
    if query.shape[2] == 1 and not torch.is_grad_enabled():
        # One query: without MKL a batched matmul calls BLAS once per batch and head, several times slower than this.
        chances = (query * key).sum(-1).add_(mask[:, :, 0]).softmax(-1)
        return (chances.unsqueeze(-1) * value).sum(2, keepdim=True)
    return (query @ key.transpose(-1, -2)).add_(mask).softmax(-1) @ value


class Cache:
    """Keys and values of all layers for `batch` sequences of at most `room` tokens, written in place."""

    def __init__(self, layers, batch, heads, room, width):
        self.store = torch.empty(layers, 2, batch, heads, room, width)
        self.mask = torch.full((batch, 1, 1, room), -math.inf)
        self.length = 0

    def append(self, layer, key, value):
        end = self.length + key.shape[2]
        keys, values = self.store[layer]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def admit(self, allowed):
        """Makes the next tokens visible: allowed [batch, tokens]. Returns the mask up to and with them."""
        end = self.length + allowed.shape[1]
        self.mask[:, 0, 0, self.length : end].masked_fill_(allowed, 0.0)
        return self.mask[..., :end]

    def repeat(self, times, room):
        """A cache with every sequence `times` times in a row and space for `room` tokens."""
        layers, _, batch, heads, _, width = self.store.shape
        wide = Cache(layers, batch * times, heads, room, width)
        held = self.store[:, :, :, :, : self.length].repeat_interleave(times, 2)
        wide.store[:, :, :, :, : self.length] = held
        wide.mask[..., : self.length] = self.mask[..., : self.length].repeat_interleave(times, 0)
        wide.length = self.length
        return wide


class Attention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.output = nn.Linear(size, size)

    def forward(self, x, mask=None, extend=None):
        """`extend` turns the tokens' own keys and values into those attended to."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if extend is not None:
            key, value = extend(key, value)
        return self.output(attend(query, key, value, mask).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.up = nn.Linear(size, 4 * size)
        self.down = nn.Linear(4 * size, size)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, size, heads):
        super().__init__()
        self.attentionNorm = nn.LayerNorm(size)
        self.attention = Attention(size, heads)
        self.feedForwardNorm = nn.LayerNorm(size)
        self.feedForward = FeedForward(size)

    def forward(self, x, mask=None, extend=None):
        x = x + self.attention(self.attentionNorm(x), mask, extend)
        return x + self.feedForward(self.feedForwardNorm(x))
