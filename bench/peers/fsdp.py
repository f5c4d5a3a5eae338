"""One rank of the micro editor's training step under PyTorch's FSDP: fsdp.py SETTINGS, with torchrun's variables.

Prints one JSON line with seconds and CPU seconds of every measured step.
"""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F

from editor import Editor
from understander import CELLS, PATCH

settings = json.loads(sys.argv[1])


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.editor = Editor(settings["vocabulary"], settings["textSlots"], settings["cellWords"], settings["width"], settings["blocks"])
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.02)

    def forward(self, latents, references, tokens, target):
        condition = self.editor.encode(tokens, references)
        clean = latents - 0.5 * self.editor.velocity(latents, 0.5, condition)
        return F.mse_loss(clean, target)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    dist.init_process_group("gloo")
    world = dist.get_world_size()
    model = Step()
    mesh = init_device_mesh("cpu", (world,))
    editor = model.editor
    for unit in [*editor.textBlocks, *[block.text for block in editor.blocks], *editor.blocks]:
        fully_shard(unit, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=settings["fused"])
    rows = settings["rows"]
    latents, references, target = (torch.randn(rows, CELLS, PATCH) for _ in range(3))
    tokens = torch.randint(5, 40, (rows, 8))
    seconds, cpu = [], []
    for step in range(settings["warm"] + settings["steps"]):
        begun, worked = time.perf_counter(), time.process_time()
        loss = model(latents, references, tokens, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        if step >= settings["warm"]:
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - worked)
    if dist.get_rank() == 0:
        print(json.dumps({"ways": [{"seconds": seconds, "cpu": cpu}], "version": torch.__version__}), flush=True)
    dist.barrier()
    dist.destroy_process_group()


os.environ.setdefault("OMP_NUM_THREADS", "1")
main()
