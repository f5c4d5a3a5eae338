"""Makes reference fixtures of the Qwen-Image-Edit stack from diffusers, transformers and peft with tiny random models.

Usage: python fixtures.py --out DIR [--seed 7] [--sizes same|other] [--only FOLDER ...] [--like DIR] [--check]

Writes DIR/FOLDER/*.safetensors and config.json under the names that the tests of packages/backbones read. --like takes
weights and inputs from such a set; --check then compares everything else with it and fails where a number is further
off than its tolerance.
"""

import argparse
import json
import math
import re
import sys
from pathlib import Path

import torch
from diffusers.utils import logging as diffusers_logging
from reference.autoencoder import autoencoder
from reference.images import image_preprocess
from reference.pipeline import pipeline_edit_plus, pipeline_numerics
from reference.scheduler import schedules
from reference.sizes import SIZES
from reference.source import Source, opened
from reference.transformer import image_rope, transformer
from reference.vision_language import vision_language, vl_rope
from safetensors.torch import save_file
from transformers.utils import logging as transformers_logging

FOLDERS = {
    "qwen_image_transformer": transformer,
    "qwen2_5_vl": vision_language,
    "qwen_image_vae": autoencoder,
    "pipeline_edit_plus_tiny": pipeline_edit_plus,
    "qwen_image_rope": image_rope,
    "qwen2_5_vl_rope": vl_rope,
    "scheduler": schedules,
    "pipeline": pipeline_numerics,
    "image_preprocess": image_preprocess,
}

# How far numbers may be from an existing set by "folder/file:name", and whether as a share of the tensor's largest.
TOLERANCES = [
    (r"grads", 1e-4, True),
    (r"time_(proj|bf16)", 2e-4, False),
    (r"timesteps", 1e-3, False),
    (r"_rope/|scheduler/|numerics|image_preprocess", 1e-6, False),
    (r"", 1e-4, False),
]
REMARKS = {"note", "noise", "released", "pillow", "vae", "_class_name"}


def write(folder, files):
    """Writes the files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if name.endswith(".json"):
            (folder / name).write_text(json.dumps(content, indent=1))
        else:
            save_file({key: content[key].detach().clone().contiguous() for key in sorted(content)}, folder / name)


def gap(ours, theirs, share):
    """Largest difference of two tensors, of the largest number where `share`; infinite where it cannot be told."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return math.inf
    if not ours.numel():
        return 0.0
    apart = (ours.detach().double() - theirs.double()).abs().max().item()
    if math.isnan(apart):
        return math.inf
    return apart / (theirs.double().abs().max().item() or 1.0) if share else apart


def differences(ours, theirs, path=""):
    """Paths where two JSON values differ, but for remarks and rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = (set(ours) | set(theirs)) - REMARKS
        return [
            found for name in sorted(names) for found in differences(ours.get(name), theirs.get(name), f"{path}.{name}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            found
            for i, pair in enumerate(zip(ours, theirs, strict=True))
            for found in differences(*pair, f"{path}[{i}]")
        ]
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return [] if math.isclose(ours, theirs, rel_tol=1e-4) else [path]
    return [] if ours == theirs else [path]


def compare(folder, files, like, taken):
    """Prints how far each file is from an existing set; whether all is within the tolerances."""
    fine = True
    for file, ours in files.items():
        if file.endswith(".json"):
            odd = differences(ours, json.loads((like / folder / file).read_text()))
            print(f"{folder}/{file}: {f'differs in {odd}' if odd else 'as there'}", flush=True)
            fine = fine and not odd
            continue
        theirs = opened(like / folder / file)
        odd = sorted(set(ours) ^ set(theirs))
        worst = (-1.0, "", 0.0, 0.0)
        computed = [name for name in ours if name in theirs and (file, name) not in taken and "bf16_run" not in name]
        for name in computed:
            _, allowed, share = next(row for row in TOLERANCES if re.search(row[0], f"{folder}/{file}:{name}"))
            allowed = allowed if ours[name].is_floating_point() else 0.0
            found = gap(ours[name], theirs[name], share)
            part = found / allowed if allowed else math.inf if found else 0.0
            worst = max(worst, (part, name, found, allowed))
        fine = fine and worst[0] <= 1 and not odd
        what = f"{worst[2]:.1e} of {worst[3]:.0e} in {worst[1]}" if computed else "taken"
        print(f"{folder}/{file}: {len(computed)} tensors, {what}{f', names differ: {odd}' if odd else ''}", flush=True)
    return fine


def main():
    """Reads the options, makes the folders, and compares them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sizes", choices=SIZES, default="same")
    parser.add_argument("--like", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", nargs="*", choices=FOLDERS, default=list(FOLDERS))
    options = parser.parse_args()
    if options.check and not options.like:
        parser.error("--check compares with the set of --like: name one")
    transformers_logging.set_verbosity_error()
    diffusers_logging.set_verbosity_error()
    torch.set_num_threads(1)
    fine = True
    for folder in options.only:
        source = Source(folder, options)
        torch.manual_seed(options.seed)
        files = FOLDERS[folder](SIZES[options.sizes][folder], source)
        write(options.out / folder, files)
        if options.check:
            fine = compare(folder, files, options.like, source.taken) and fine
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
