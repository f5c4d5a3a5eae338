"""Loads a transformer and adapters that thinkrl wrote with diffusers and peft, and prints how far outputs are apart.

Usage: python adapter.py FOLDER. Writes the adapter again as peft does to FOLDER/again.
"""

import json
import sys
from pathlib import Path

import diffusers
import peft
import torch
from diffusers import QwenImageTransformer2DModel
from safetensors.torch import load_file

folder = Path(sys.argv[1])
io = load_file(folder / "io.safetensors")
grids = json.loads((folder / "grids.json").read_text())


def load():
    return QwenImageTransformer2DModel.from_pretrained(folder / "transformer").eval()


@torch.no_grad()
def gap(model, name):
    out = model(
        hidden_states=io["hidden"],
        encoder_hidden_states=io["text"],
        encoder_hidden_states_mask=torch.ones(io["text"].shape[:2], dtype=torch.bool),
        timestep=io["level"],
        img_shapes=[[(1, height, width) for height, width in grids]],
        return_dict=False,
    )[0]
    return (out - io[name]).abs().max().item()


found = {"diffusers": diffusers.__version__, "peft": peft.__version__, "base": gap(load(), "base")}

model = load()
model.load_lora_adapter(folder / "diffusers", weight_name="adapter_model.safetensors", prefix="transformer")
found["diffusers adapter"] = gap(model, "adapted")
model.fuse_lora()
found["diffusers fused"] = gap(model, "adapted")

model = peft.PeftModel.from_pretrained(load(), folder / "peft")
found["peft adapter"] = gap(model, "adapted")
model.save_pretrained(folder / "again")
found["peft merged"] = gap(model.merge_and_unload(), "adapted")
print(json.dumps(found))
