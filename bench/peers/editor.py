"""The flow-matching editor: one token per picture cell, joint attention over picture and text."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from layers import Block, FeedForward, attend, forbid
from understander import CELLS, PADDING, PATCH


class JointBlock(nn.Module):
    """Picture tokens attend to themselves and to the text, modulated by time with the block's own offset."""

    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.offset = nn.Parameter(torch.zeros(6 * size))
        self.qkv = nn.Linear(size, 3 * size)
        self.text = nn.Linear(size, 2 * size)
        self.output = nn.Linear(size, size)
        self.feedForward = FeedForward(size)

    def text_key_value(self, encoded):
        return self.text(encoded).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)

    def forward(self, x, time, text, mask):
        size = x.shape[-1:]
        scale, shift, gate, scale_forward, shift_forward, gate_forward = (time + self.offset).chunk(6)
        query, key, value = (
            self.qkv(F.layer_norm(x, size, scale, shift)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        mixed = attend(query, torch.cat([key, text[0]], 2), torch.cat([value, text[1]], 2), mask)
        x = torch.addcmul(x, gate, self.output(mixed.transpose(1, 2).flatten(2)))
        return torch.addcmul(x, gate_forward, self.feedForward(F.layer_norm(x, size, scale_forward, shift_forward)))


class Editor(nn.Module):
    """`cell_words` are the ids of the words a1 to d4 in cell order."""

    def __init__(self, vocabulary, text_slots, cell_words, size=128, depth=5, heads=4, text_depth=2):
        super().__init__()
        self.words = nn.Embedding(vocabulary, size)
        self.positions = nn.Parameter(torch.zeros(text_slots, size))
        self.textBlocks = nn.ModuleList(Block(size, heads) for _ in range(text_depth))
        self.textNorm = nn.LayerNorm(size)
        self.noisy = nn.Linear(PATCH, size)
        self.reference = nn.Linear(PATCH, size, bias=False)
        self.cells = nn.Parameter(torch.zeros(CELLS, size))
        self.addresses = nn.Parameter(torch.zeros(CELLS, size))
        self.grounding = nn.Linear(size, size)
        self.blocks = nn.ModuleList(JointBlock(size, heads) for _ in range(depth))
        self.timeIn = nn.Linear(64, size)
        self.timeOut = nn.Linear(size, 6 * size)
        self.norm = nn.LayerNorm(size)
        self.output = nn.Linear(size, PATCH)
        pointer = torch.zeros(vocabulary, CELLS)
        pointer[torch.as_tensor(cell_words), torch.arange(CELLS)] = 1.0
        self.register_buffer("pointer", pointer, persistent=False)
        rates = 1000 * torch.exp(torch.arange(32) * (-math.log(1000) / 31))
        self.register_buffer("rates", rates, persistent=False)

    def encode(self, tokens, references):
        """What stays the same while denoising: text keys and values per block, mask, fixed part of the picture."""
        seen, tokens = tokens != PADDING, tokens.clamp_min(0)
        seen[:, 0] = True
        mask = forbid(seen)[:, None, None]
        points = self.pointer[tokens]
        x = self.words(tokens) + self.positions[: tokens.shape[1]] + points @ self.addresses
        for block in self.textBlocks:
            x = block(x, mask)
        x = self.textNorm(x)
        fixed = self.reference(references) + (self.cells + self.addresses)
        fixed = fixed + points.transpose(1, 2) @ self.grounding(x)
        joint = torch.cat([mask.new_zeros(len(tokens), 1, 1, CELLS), mask], -1)
        return [block.text_key_value(x) for block in self.blocks], joint, fixed

    def velocity(self, latents, sigma, condition):
        """(x_t - x_0) / sigma of latents [edits, cells, patch], all at noise level `sigma`."""
        texts, mask, fixed = condition
        angles = sigma * self.rates
        time = self.timeOut(F.silu(self.timeIn(torch.cat([angles.sin(), angles.cos()]))))
        x = self.noisy(latents) + fixed
        for block, text in zip(self.blocks, texts):
            x = block(x, time, text, mask)
        return (latents - self.output(self.norm(x))) / sigma
