"""The understanding transformer: picture and instruction, then plan, edited picture and reflection."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from layers import Block, Cache, forbid

CELLS = 16
PATCH = 192
PADDING = -1  # in place of a word
INSTRUCTION, PLAN, EDIT, REFLECTION = range(1, 5)


@dataclass
class Prompts:
    """What each task starts with."""

    pictures: torch.Tensor  # [tasks, cells, patch]
    instructions: torch.Tensor  # [tasks, words]

    def seen(self):
        return torch.cat([torch.ones(len(self.pictures), CELLS, dtype=torch.bool), self.instructions != PADDING], 1)


@dataclass
class Texts:
    """What chains went on with: the inputs that predict plan and reflection, and the edit between them."""

    task: torch.Tensor  # [chains], row of the prompts
    plans: torch.Tensor  # [chains, words]
    edits: torch.Tensor  # [chains, cells, patch]
    reflections: torch.Tensor  # [chains, words]

    def seen(self):
        cells = torch.ones(len(self.edits), CELLS, dtype=torch.bool)
        return torch.cat([self.plans != PADDING, cells, self.reflections != PADDING], 1)


class Understander(nn.Module):
    """`slots` holds the longest length of each segment: picture, instruction, plan, edited picture, reflection."""

    def __init__(self, vocabulary, slots, size=128, depth=4, heads=4):
        super().__init__()
        self.heads = heads
        self.slots = slots
        self.words = nn.Embedding(vocabulary, size)
        self.positions = nn.Parameter(torch.zeros(sum(slots), size))
        self.picture = nn.Linear(PATCH, size)
        self.cells = nn.Parameter(torch.zeros(CELLS, size))
        self.blocks = nn.ModuleList(Block(size, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, vocabulary)

    def see(self, pictures, segment):
        start = sum(self.slots[:segment])
        return self.picture(pictures) + (self.cells + self.positions[start : start + CELLS])

    def read(self, tokens, segment, offset=0):
        start = sum(self.slots[:segment]) + offset
        return self.words(tokens.clamp_min(0)) + self.positions[start : start + tokens.shape[1]]

    def begin(self, prompts):
        return torch.cat([self.see(prompts.pictures, 0), self.read(prompts.instructions, INSTRUCTION)], 1)

    def logits(self, hidden):
        return self.head(self.norm(hidden))

    def forward(self, prompts, texts):
        """Teacher forcing: logits at every input, [chains, words, vocabulary]. Prompts run once per task."""
        seen = prompts.seen()
        x, mask, past = self.begin(prompts), forbid(seen)[:, None, None], []

        def keep(key, value):
            past.append((key, value))
            return key, value

        for block in self.blocks:
            x = block(x, mask, keep)
        x = torch.cat(
            [self.read(texts.plans, PLAN), self.see(texts.edits, EDIT), self.read(texts.reflections, REFLECTION)], 1
        )
        mask = text_mask(seen[texts.task], texts)
        for block, before in zip(self.blocks, past):
            x = block(x, mask, lambda *fresh: [torch.cat([old[texts.task], new], 2) for old, new in zip(before, fresh)])
        plan = texts.plans.shape[1]
        return self.logits(torch.cat([x[:, :plan], x[:, plan + CELLS :]], 1))


def text_mask(prompt, texts):
    """[chains, 1, tokens, prompt + tokens]: all see the prompt, words what is before them, the edit itself whole."""
    words = texts.seen()
    order = torch.ones(words.shape[1], words.shape[1], dtype=torch.bool).tril_()
    plan = texts.plans.shape[1]
    order[plan : plan + CELLS, plan : plan + CELLS] = True
    everything = prompt[:, None].expand(-1, words.shape[1], -1)
    return forbid(torch.cat([everything, order & words[:, None]], 2))[:, None]


class Session:
    """The understander at work on `group` chains of each task, with what it has read in a cache."""

    def __init__(self, model, prompts, group):
        self.model = model
        x = model.begin(prompts)
        width = x.shape[2] // model.heads
        self.cache = Cache(len(model.blocks), len(x), model.heads, x.shape[1], width)
        self.advance(x, prompts.seen())
        self.cache = self.cache.repeat(group, sum(model.slots))

    def look(self, pictures):
        """Reads the edited pictures."""
        self.advance(self.model.see(pictures, EDIT), torch.ones(pictures.shape[:2], dtype=torch.bool))

    def say(self, segment, first, end, temperature):
        """Samples one utterance per chain: tokens [chains, length], padded after the end, and log-probabilities."""
        current = torch.full((self.cache.store.shape[2],), first)
        alive = torch.ones_like(current, dtype=torch.bool)
        tokens, log_probs = [], []
        for step in range(self.model.slots[segment]):
            hidden = self.advance(self.model.read(current[:, None], segment, step), alive[:, None])
            scores = F.log_softmax(self.model.logits(hidden[:, 0]) / temperature, -1)
            current = torch.multinomial(scores.exp(), 1)
            tokens.append(current[:, 0].masked_fill(~alive, PADDING))
            log_probs.append(scores.gather(1, current)[:, 0] * alive)
            current = current[:, 0]
            alive = alive & (current != end)
            if not alive.any():
                break
        return torch.stack(tokens, 1), torch.stack(log_probs, 1)

    def advance(self, x, seen):
        """Runs tokens x [chains, tokens, size] behind all that was read; `seen` says which of them exist."""
        mask = self.cache.admit(seen)
        for layer, block in enumerate(self.model.blocks):
            x = block(x, mask, lambda key, value: self.cache.append(layer, key, value))
        self.cache.length += x.shape[1]
        return x
