"""Plan, edit, reflect and edit again for a group of chains per task."""
from dataclasses import dataclass

import torch

from flow import Schedule, log_prob
from understander import PADDING, PLAN, REFLECTION, Session


@dataclass
class Sampling:
    group: int
    temperature: float
    schedule: Schedule
    window: list  # steps drawn by the SDE


def side_by_side(rows):
    """Rows of words as tokens padded to the longest."""
    width = max(1, max(len(row) for row in rows))
    return torch.tensor([row + [PADDING] * (width - len(row)) for row in rows])


@torch.inference_mode()
def roll_out(models, prompts, sampling):
    """One batch of chains: what was said and edited, with log-probabilities."""
    grammar, group = models.grammar, sampling.group
    end = grammar.ids["end"]
    session = Session(models.understander, prompts, group)
    plans, plan_log_probs = session.say(PLAN, grammar.ids["plan"], end, sampling.temperature)
    instructions = [[word for word in row if word != PADDING] for row in prompts.instructions.tolist()]
    wanted = [
        words if grammar.is_plan(words) else instructions[chain // group]
        for chain, words in enumerate(grammar.words(plans))
    ]
    first = edit(models.editor, prompts.pictures.repeat_interleave(group, 0), side_by_side(wanted), sampling)
    seen = first["states"][-1].clamp(-1, 1)
    session.look(seen)
    reflections, reflection_log_probs = session.say(REFLECTION, grammar.ids["reflect"], end, sampling.temperature)
    thoughts = grammar.words(reflections)
    fixing = [chain for chain, words in enumerate(thoughts) if grammar.asks_for_fix(words)]
    mended = side_by_side([thoughts[chain] for chain in fixing]) if fixing else None
    return {
        "plans": plans,
        "planLogProbs": plan_log_probs,
        "first": first,
        "reflections": reflections,
        "reflectionLogProbs": reflection_log_probs,
        "fixing": fixing,
        "second": edit(models.editor, seen[fixing], mended, sampling) if fixing else None,
    }


def edit(editor, references, tokens, sampling):
    """Denoises one edit per row: stochastic steps in the window, the Euler step elsewhere."""
    schedule = sampling.schedule
    condition = editor.encode(tokens, references)
    x = torch.randn_like(references)
    states, log_probs = [x], []
    for step, sigma in enumerate(schedule.sigmas[:-1]):
        velocity = editor.velocity(x, sigma, condition)
        if step in sampling.window:
            mean, std = schedule.transition(x, velocity, step)
            x = torch.randn_like(mean).mul_(std).add_(mean)
            log_probs.append(log_prob(x, mean, std))
        else:
            x = schedule.deterministic(x, velocity, step)
        states.append(x)
    return {"states": states, "logProbs": log_probs}
