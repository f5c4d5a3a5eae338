"""Token GRPO for the understander and Flow-GRPO for the editor, on policy: one AdamW step each."""
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from flow import log_prob
from understander import PADDING, Texts


@dataclass
class Objective:
    clip: float
    beta: float  # weight of the KL to the reference


@dataclass
class Speech:
    """Sampled tokens of the chains to train on, with advantages per stage."""

    task: torch.Tensor  # [chains]
    plans: torch.Tensor  # [chains, words]
    edits: torch.Tensor  # [chains, cells, patch]
    reflections: torch.Tensor  # [chains, words]
    advantages: torch.Tensor  # [chains, 2]


@dataclass
class Edits:
    """Edits of both stages side by side with their stochastic steps."""

    references: torch.Tensor  # [edits, cells, patch]
    tokens: torch.Tensor  # [edits, words]
    window: list  # steps
    before: torch.Tensor  # [steps, edits, cells, patch]
    after: torch.Tensor  # [steps, edits, cells, patch]
    advantages: torch.Tensor  # [edits]


def shifted(tokens, first):
    """The inputs that predict `tokens`: the opening word, then every word but the last."""
    return F.pad(tokens[:, :-1], (1, 0), value=first).masked_fill(tokens == PADDING, PADDING)


def token_log_probs(model, prompts, speech, ids):
    """Log-probability of each plan and reflection token, [chains, words]."""
    plans, reflections = shifted(speech.plans, ids["plan"]), shifted(speech.reflections, ids["reflect"])
    logits = model(prompts, Texts(speech.task, plans, speech.edits, reflections))
    targets = torch.cat([speech.plans, speech.reflections], 1)
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PADDING, reduction="none")
    return -losses.view_as(targets)


def surrogate(log_probs, advantages, clip):
    ratio = (log_probs - log_probs.detach()).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def understanding_loss(model, reference, prompts, speech, ids, objective):
    """Mean over all sampled tokens of the clipped surrogate and the k3 estimate of the KL."""
    log_probs = token_log_probs(model, prompts, speech, ids)
    with torch.no_grad():
        reference_log_probs = token_log_probs(reference, prompts, speech, ids)
    counts = torch.tensor([speech.plans.shape[1], speech.reflections.shape[1]])
    advantages = speech.advantages.repeat_interleave(counts, 1)
    difference = reference_log_probs - log_probs
    divergence = difference.exp() - difference - 1
    loss = surrogate(log_probs, advantages, objective.clip) + objective.beta * divergence
    return loss[torch.cat([speech.plans, speech.reflections], 1) != PADDING].mean()


def transitions(editor, edits, schedule):
    """Mean and deviation of every stochastic step; text and reference are encoded once."""
    condition = editor.encode(edits.tokens, edits.references)
    return [
        schedule.transition(x, editor.velocity(x, schedule.sigmas[step], condition), step)
        for step, x in zip(edits.window, edits.before)
    ]


def generation_loss(model, reference, schedule, edits, objective):
    """Mean over steps and edits of the clipped surrogate and the closed-form KL."""
    with torch.no_grad():
        reference_steps = transitions(reference, edits, schedule)
    losses = []
    steps = transitions(model, edits, schedule)
    for after, (mean, std), (reference_mean, _) in zip(edits.after, steps, reference_steps):
        divergence = (mean - reference_mean).square().mean((1, 2)) / (2 * std * std)
        policy = surrogate(log_prob(after, mean, std), edits.advantages, objective.clip)
        losses.append((policy + objective.beta * divergence).mean())
    return torch.stack(losses).mean()


def descend(loss, model, optimizer):
    """One optimiser step; returns loss and gradient norm before clipping."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item(), norm.item()
