"""The cases of gpu.ts in PyTorch eager: a JSON request a line on stdin, an answer a line on stdout; see exchange.ts."""
import json
import sys
import time

import torch
import torch.nn.functional as F

from qwen_image import QwenImage
from qwen_vl import QwenVl

TYPES = {"F32": torch.float32, "I32": torch.int32}


def read_tensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + size:]
    return {
        name: torch.frombuffer(body[slice(*entry["data_offsets"])], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }


class Side:
    """One model with its inputs; each case is a function that runs it once and gives what it came to."""

    def __init__(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(1)
        self.device = torch.device(request["device"])
        self.dtype = getattr(torch, request["storage"])
        self.request, self.sizes = request, request["sizes"]
        self.inputs = {name: x.to(self.device) for name, x in read_tensors(request["inputs"]).items()}
        self.known = read_tensors(request["weights"]) if request["weights"] else None
        getattr(self, f"prepare_{request['model']}")()

    def weights(self, model, dtype):
        shapes = self.request["shapes"][model]
        return {name: self.weight(name, shape, dtype) for name, shape in shapes.items()}

    def weight(self, name, shape, dtype):
        if self.known is not None:
            return self.known[name].to(self.device, dtype)
        if len(shape) == 1 and name.endswith("weight"):
            return torch.ones(shape, device=self.device, dtype=dtype)
        return torch.randn(shape, device=self.device, dtype=dtype) * (0.02 if len(shape) > 1 else 0.0)

    def prepare_product(self):
        width = self.sizes["width"]
        self.factors = [torch.randn(width, width, device=self.device, dtype=self.dtype) for _ in range(2)]

    def product(self):
        F.linear(*self.factors)

    def prepare_image(self):
        weights = self.weights("transformer", self.dtype)
        self.adapter = {name: x.requires_grad_() for name, x in self.weights("adapter", torch.float32).items()}
        self.model = QwenImage(self.sizes["transformer"], weights, self.adapter, self.sizes["alpha"] / self.sizes["rank"])
        self.optimizer = torch.optim.AdamW(
            self.adapter.values(), lr=self.sizes["learningRate"], weight_decay=1e-4, fused=self.device.type == "cuda")

    def condition(self, name):
        return self.model.condition(self.inputs[name], self.inputs["references"], self.sizes["grids"])

    @torch.no_grad()
    def denoise(self):
        if not hasattr(self, "kept"):
            self.kept = self.condition("text")
        return self.model.velocity(self.inputs["noise"], self.sizes["sigmas"][0], self.kept)

    @torch.no_grad()
    def sample(self):
        conditions = [self.condition("text"), self.condition("negative")]
        x, sigmas = self.inputs["noise"], self.sizes["sigmas"]
        for sigma, following in zip(sigmas, sigmas[1:]):
            x = x + (following - sigma) * self.model.guided(x, sigma, conditions, self.sizes["guidance"])
        return x

    def train(self):
        conditions = [self.condition("text"), self.condition("negative")]
        loss = 0
        for i, step in enumerate(self.sizes["window"]):
            start, end = self.inputs[f"state{i}"], self.inputs[f"state{i + 1}"]
            guided = self.model.guided(start, step["sigma"], conditions, self.sizes["guidance"])
            mean = start * step["latent"] + guided * step["velocity"]
            log_prob = -(end - mean).square().flatten(1).mean(1) / (2 * step["deviation"] ** 2)
            loss = loss - ((log_prob - log_prob.detach()).exp() * self.sizes["advantage"]).mean() / len(self.sizes["window"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.adapter.values(), 1.0)
        slopes = self.adapter[self.sizes["shown"]].grad
        self.optimizer.step()
        self.optimizer.zero_grad()
        return slopes

    def prepare_language(self):
        self.model = QwenVl(self.sizes["language"], self.weights("language", self.dtype))
        language = self.sizes["language"]["language"]
        ids = self.inputs["ids"]
        self.places = (ids == self.sizes["language"]["imageToken"]).nonzero()[:, 0]
        shape = (1, len(ids) + 1, language["keyHeads"], language["headSize"])
        self.cache = [[torch.zeros(shape, device=self.device, dtype=self.dtype) for _ in range(2)] for _ in range(language["layers"])]

    @torch.no_grad()
    def prefill(self):
        picture = (self.inputs["patches"], *self.sizes["grid"], self.places)
        x = self.model.embed(self.inputs["ids"], *picture)
        return self.model.states(x, self.inputs["positions"], self.cache)

    @torch.no_grad()
    def decode(self):
        x = self.model.embed(self.inputs["token"])
        position = torch.full((3, 1), self.request["next"], device=self.device)
        hidden = self.model.states(x, position, self.cache, start=len(self.inputs["ids"]))
        return F.linear(hidden, self.model.weights["lm_head.weight"])


def timed(side, name, repeats):
    gpu = side.device.type == "cuda"
    run, seconds, result = getattr(side, name), [], None
    if gpu:
        torch.cuda.reset_peak_memory_stats(side.device)
    for _ in range(repeats):
        if gpu:
            torch.cuda.synchronize(side.device)
        start = time.perf_counter()
        result = run()
        if gpu:
            torch.cuda.synchronize(side.device)
        seconds.append(time.perf_counter() - start)
    return seconds, torch.cuda.max_memory_allocated(side.device) if gpu else None, result


side = Side(json.loads(sys.stdin.readline()))
print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    seconds, peak, result = timed(side, request["name"], request["repeats"])
    answer = {"seconds": seconds, "peak": peak}
    if request["show"]:
        answer["values"] = result.float().flatten().tolist()
    print(json.dumps(answer), flush=True)
