"""
The PyTorch peer of `bench/loop.ts` and `bench/engine.ts`: one training iteration of the micro models on the CPU, and
parts of it alone.

Reads one JSON request per line from standard input and answers each with one JSON line. Arrays travel as
{"shape": [...], "data": base64 of float32 or int64}. Times are taken here, around the work alone.
"""
import base64
import copy
import ctypes
import json
import resource
import sys
import time
from types import SimpleNamespace

import numpy as np
import torch

from cases import CASES
from editor import Editor
from flow import Schedule, log_prob
from grammar import Grammar
from rollout import Sampling, roll_out
from understander import PADDING, PLAN, REFLECTION, Prompts, Session, Understander
from update import (
    Edits,
    Objective,
    Speech,
    descend,
    generation_loss,
    shifted,
    token_log_probs,
    transitions,
    understanding_loss,
)
from weights import read_safetensors

TYPES = {"float": np.float32, "integer": np.int32}


def tensor(array):
    values = np.frombuffer(base64.b64decode(array["data"]), TYPES[array["type"]]).reshape(array["shape"])
    return torch.from_numpy(values.astype(np.int64) if array["type"] == "integer" else values.copy())


def array(values):
    data = values.detach().numpy().astype(np.float32)
    return {"type": "float", "shape": list(data.shape), "data": base64.b64encode(data.tobytes()).decode()}


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Peer:
    def load(self, request):
        """Builds both models with the weights of a file, their frozen references and an optimiser each."""
        torch.set_num_threads(request["threads"])
        self.clock = CLOCKS[request["clock"]]
        grammar = Grammar(request["ids"])
        understander = Understander(request["vocabulary"], request["slots"])
        editor = Editor(request["vocabulary"], request["textSlots"], request["ids"]["cells"])
        self.models = SimpleNamespace(understander=understander, editor=editor, grammar=grammar)
        tensors = read_safetensors(request["weights"])
        for name in ("understander", "editor"):
            start = len(name) + 1
            own = {key[start:]: value for key, value in tensors.items() if key.startswith(name)}
            own = {key.replace(".gain", ".weight"): value for key, value in own.items()}
            getattr(self.models, name).load_state_dict(own)
        self.references = copy.deepcopy((understander, editor))
        settings = {"betas": (0.9, 0.99), "weight_decay": 0.0, "foreach": True}
        self.optimizers = [
            torch.optim.AdamW(model.parameters(), lr, **settings)
            for model, lr in zip((understander, editor), request["learningRates"])
        ]
        self.objectives = [Objective(**numbers) for numbers in request["objectives"]]
        self.schedule = Schedule(request["steps"], request["eta"])
        return {"torch": torch.__version__, "threads": torch.get_num_threads()}

    def blas(self, request):
        """Sets the threads of OpenBLAS itself, which PyTorch leaves alone."""
        ctypes.CDLL("libopenblas.so.0").openblas_set_num_threads(request["threads"])
        return {}

    def rollout(self, request):
        torch.manual_seed(request["seed"])
        prompts = self._prompts(request)
        sampling = Sampling(request["group"], request["temperature"], self.schedule, request["window"])
        chains, seconds = self._timed(lambda: roll_out(self.models, prompts, sampling))
        words = [(chains[name] != PADDING).sum(1).float().mean().item() for name in ("plans", "reflections")]
        return {"seconds": seconds, "planWords": words[0], "reflectionWords": words[1], "fixes": len(chains["fixing"])}

    def update(self, request):
        """One optimiser step of each module on the chains sent along."""
        prompts, speech, edits = self._prompts(request), self._speech(request), self._edits(request)
        (understander, editor), (tokens, flow) = self.references, self.objectives
        ours = self.models

        def speak():
            loss = understanding_loss(ours.understander, understander, prompts, speech, ours.grammar.ids, tokens)
            return descend(loss, ours.understander, self.optimizers[0])

        def draw():
            loss = generation_loss(ours.editor, editor, self.schedule, edits, flow)
            return descend(loss, ours.editor, self.optimizers[1])

        (loss, norm), seconds = self._timed(speak)
        (flow_loss, flow_norm), flow_seconds = self._timed(draw)
        return {
            "understanding": {"seconds": seconds, "loss": loss, "gradientNorm": norm},
            "generation": {"seconds": flow_seconds, "loss": flow_loss, "gradientNorm": flow_norm},
        }

    @torch.no_grad()
    def check(self, request):
        """Scores the chains sent along: tokens in one pass and step by step, velocities and transitions."""
        prompts, speech, edits = self._prompts(request), self._speech(request), self._edits(request)
        model, editor, ids = self.models.understander, self.models.editor, self.models.grammar.ids
        condition = editor.encode(edits.tokens, edits.references)
        velocities = [
            editor.velocity(x, self.schedule.sigmas[step], condition) for step, x in zip(edits.window, edits.before)
        ]
        moves = transitions(editor, edits, self.schedule)
        steps = [log_prob(after, mean, std) for after, (mean, std) in zip(edits.after, moves)]
        return {
            "tokens": array(token_log_probs(model, prompts, speech, ids)),
            "cached": array(cached_log_probs(model, prompts, speech, ids)),
            "velocities": array(torch.stack(velocities)),
            "transitions": array(torch.stack(steps)),
        }

    def prepare(self, request):
        """Makes a piece of work ready to be timed, on the chains sent along where it needs some."""
        data = None
        if "speech" in request:
            data = SimpleNamespace(
                prompts=self._prompts(request), speech=self._speech(request), edits=self._edits(request)
            )
        self.work = CASES[request["case"]](self, data, **request["size"])
        return {}

    def time(self, request):
        """Seconds of each of so many runs of the work."""
        return {"seconds": [self._timed(self.work)[1] for _ in range(request["repeats"])]}

    def memory(self, request):
        """Bytes resident now, and the most there ever was."""
        with open("/proc/self/statm") as pages:
            resident = int(pages.read().split()[1]) * resource.getpagesize()
        return {"resident": resident, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    def _timed(self, work):
        start = self.clock()
        result = work()
        return result, self.clock() - start

    def _prompts(self, request):
        return Prompts(tensor(request["pictures"]), tensor(request["instructions"]))

    def _speech(self, request):
        names = ("task", "plans", "edits", "reflections", "advantages")
        return Speech(**{name: tensor(request["speech"][name]) for name in names})

    def _edits(self, request):
        names = ("references", "tokens", "before", "after", "advantages")
        return Edits(window=request["window"], **{name: tensor(request["drawing"][name]) for name in names})


def cached_log_probs(model, prompts, speech, ids):
    """Log-probability of each token when chains are replayed word by word through the cache of a roll-out."""
    group = len(speech.task) // len(prompts.pictures)
    session = Session(model, prompts, group)
    parts = []
    texts = ((PLAN, speech.plans, ids["plan"]), (REFLECTION, speech.reflections, ids["reflect"]))
    for segment, tokens, first in texts:
        if segment == REFLECTION:
            session.look(speech.edits)
        inputs = shifted(tokens, first)
        for step in range(tokens.shape[1]):
            word = inputs[:, step : step + 1]
            hidden = session.advance(model.read(word, segment, step), word != PADDING)
            scores = model.logits(hidden[:, 0]).log_softmax(-1)
            parts.append(scores.gather(1, tokens[:, step : step + 1].clamp_min(0)))
    return torch.cat(parts, 1)


def main():
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        reply = getattr(peer, request["do"])(request)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
