"""Where weights and inputs come from, and what is watched of a model."""

import functools
import math
from contextlib import contextmanager

import torch
from safetensors.torch import load_file

from .sizes import SIZES


@functools.cache
def opened(path):
    """The tensors of a safetensors file."""
    return load_file(path)


class Source:
    """Weights and inputs of one folder: those of an existing set, or drawn from a seed."""

    def __init__(self, folder, options):
        """The source of `folder`; `options` are those of the program."""
        self.folder = options.like / folder if options.like else None
        self.beside = options.like or options.out
        self.sizes = SIZES[options.sizes]
        self.taken = set()
        self.generator = torch.Generator().manual_seed(1000 * options.seed + list(self.sizes).index(folder))

    def take(self, file, name, draw):
        """The existing tensor `name` of `file`, else what `draw` gives."""
        self.taken.add((file, name))
        return opened(self.folder / file)[name].clone() if self.folder else draw()

    def normal(self, file, name, shape, scale=1.0, around=0.0):
        """Normal numbers of a shape."""
        return self.take(file, name, lambda: around + scale * torch.randn(tuple(shape), generator=self.generator))

    def pixels(self, file, name, shape):
        """Noise within -1 .. 1."""
        return self.take(file, name, lambda: torch.randn(tuple(shape), generator=self.generator).clamp(-1, 1))

    def weights(self, module, file="model.safetensors", rename=lambda name: name, gain=1.0):
        """Fills a module: biases of 0.1, norms around 1, matrices of gain / sqrt(inputs). Gives them by their names."""
        found = {}
        for name, parameter in module.named_parameters():
            key = rename(name)
            owner, kind = key.split(".")[-2:]
            if kind == "bias":
                value = self.normal(file, key, parameter.shape, 0.1)
            elif kind == "gamma" or "norm" in owner or owner == "ln_q":
                value = self.normal(file, key, parameter.shape, 0.2, 1.0)
            else:
                value = self.normal(file, key, parameter.shape, gain / math.sqrt(parameter[0].numel()))
            parameter.data.copy_(value)
            found[key] = value
        return found

    def fill(self, module, folder, rename=lambda name: name):
        """Gives a module the weights of another folder of the set, which is made before."""
        found = opened(self.beside / folder / "model.safetensors")
        for name, parameter in module.named_parameters():
            parameter.data.copy_(found[rename(name)])
        return module

    def adapter(self, module, rename, rank):
        """Fills the factors of an adapter, A with a deviation of 1 / rank and B with 0.1. Gives them by their names."""
        found = {}
        for name, parameter in module.named_parameters():
            if "lora_" not in name:
                continue
            key = rename(name.replace(".default", ""))
            scale = 1 / rank if "lora_A" in name else 0.1
            parameter.data.copy_(self.normal("lora.safetensors", key, parameter.shape, scale))
            found[key] = parameter
        return found


@contextmanager
def recorded(module, names):
    """Outputs of submodules, `{key: path}`, of the last calls within."""
    seen = {}

    def hook(key):
        def keep(_module, _inputs, output):
            seen[key] = output

        return keep

    submodules = dict(module.named_modules())
    handles = [submodules[path].register_forward_hook(hook(key)) for key, path in names.items()]
    yield seen
    for handle in handles:
        handle.remove()


def gradients(loss, named):
    """Gradients of a loss by name, those that exist."""
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(named, found, strict=True) if gradient is not None}


def prefixed(prefix, tensors):
    """The tensors under names with a prefix."""
    return {prefix + name: tensor for name, tensor in tensors.items()}
