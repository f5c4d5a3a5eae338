"""Pieces of work that `bench/engine.ts` times: each function returns what to run, given the loaded peer and some chains."""
import torch

from flow import log_prob
from layers import Block, Cache
from understander import PLAN
from update import token_log_probs, transitions


def block(peer, data, batch, tokens, width, heads):
    """A transformer block, forward and backward."""
    module, x = Block(width, heads), torch.randn(batch, tokens, width)
    parameters = list(module.parameters())
    return lambda: torch.autograd.grad(module(x).square().mean(), parameters)


def understander_step(peer, data):
    """Likelihood of the texts of all chains: forward, backward, AdamW."""
    model, ids = peer.models.understander, peer.models.grammar.ids
    return lambda: _descend(-token_log_probs(model, data.prompts, data.speech, ids).mean(), peer.optimizers[0])


def editor_step(peer, data):
    """Likelihood of the stored denoising steps of all edits: forward, backward, AdamW."""

    def loss():
        moves = transitions(peer.models.editor, data.edits, peer.schedule)
        steps = [log_prob(after, mean, std) for after, (mean, std) in zip(data.edits.after, moves)]
        return -torch.stack(steps).mean()

    return lambda: _descend(loss(), peer.optimizers[1])


def decode(peer, data, batch, held):
    """One token for `batch` rows behind `held` tokens in the cache, up to its logits on the host."""
    model = peer.models.understander
    width = model.words.embedding_dim // model.heads
    cache = Cache(len(model.blocks), batch, model.heads, held + 1, width)
    cache.store.normal_()
    cache.mask.zero_()
    words, seen = torch.zeros(batch, 1, dtype=torch.long), torch.ones(batch, 1, dtype=torch.bool)

    @torch.inference_mode()
    def run():
        cache.length = held
        x, mask = model.read(words, PLAN), cache.admit(seen)
        for layer, part in enumerate(model.blocks):
            x = part(x, mask, lambda key, value: cache.append(layer, key, value))
        return model.logits(x).numpy()

    return run


def denoise(peer, data):
    """One velocity of all edits; text and reference were encoded before."""
    editor, edits = peer.models.editor, data.edits
    sigma = peer.schedule.sigmas[edits.window[0]]
    with torch.inference_mode():
        condition = editor.encode(edits.tokens, edits.references)

    @torch.inference_mode()
    def run():
        return editor.velocity(edits.before[0], sigma, condition)

    return run


def _descend(loss, optimizer):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


CASES = {
    "block": block,
    "understanderStep": understander_step,
    "editorStep": editor_step,
    "decode": decode,
    "denoise": denoise,
}
