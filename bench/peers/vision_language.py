"""Loads a Qwen2.5-VL folder and an adapter that thinkrl wrote with transformers and peft, and prints how far both are apart.

Usage: python vision_language.py FOLDER.
"""

import inspect
import json
import sys
from pathlib import Path

import numpy
import peft
import torch
import transformers
from jinja2 import Environment
from PIL import Image
from tokenizers import Tokenizer
from transformers import Qwen2_5_VLForConditionalGeneration

try:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil as Processor
except ImportError:
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor as Processor

folder = Path(sys.argv[1])
ours = json.loads((folder / "ours.json").read_text())
ENDS = [155, 153]


def load():
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def inputs(model, *parts):
    ids = torch.tensor([sum((part["ids"] for part in parts), [])])
    found = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": torch.tensor(sum((part.get("patches", []) for part in parts), [])).reshape(-1, 96),
        "image_grid_thw": torch.tensor(sum((part.get("grid", []) for part in parts), [])),
    }
    if "mm_token_type_ids" in inspect.signature(model.forward).parameters:
        found["mm_token_type_ids"] = (ids == 151).int()
    return found


@torch.no_grad()
def gap(model, name):
    logits = model(**inputs(load(), ours["prompt"])).logits.flatten()
    return (logits - torch.tensor(ours[name])).abs().max().item()


def spoken(model, text, *parts):
    """Whether the likeliest tokens are ours, and the largest difference of their log-probabilities."""
    given = inputs(model, *parts)
    out = model.generate(
        **given,
        do_sample=False,
        max_new_tokens=ours["most"],
        eos_token_id=ENDS,
        pad_token_id=153,
        output_logits=True,
        return_dict_in_generate=True,
    )
    tokens = out.sequences[0, given["input_ids"].shape[1] :].tolist()
    log_probs = [torch.log_softmax(row[0], -1)[token].item() for row, token in zip(out.logits, tokens)]
    furthest = max(abs(a - b) for a, b in zip(log_probs, text["logProbs"]))
    return {"same tokens": tokens == text["tokens"], "log-probabilities": furthest}


found = {"transformers": transformers.__version__, "peft": peft.__version__}
model = load()
found["logits"] = gap(model, "base")
found["plan"] = spoken(model, ours["plan"], ours["prompt"])
body = {"ids": [token for token in ours["plan"]["tokens"] if token not in ENDS]}
found["reflection"] = spoken(model, ours["reflection"], ours["prompt"], body, ours["next"])

adapted = peft.PeftModel.from_pretrained(model, folder / "adapter")
found["peft adapter"] = gap(adapted, "adapted")
found["peft merged"] = gap(adapted.merge_and_unload(), "adapted")

tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
pairs = list(zip(ours["texts"], ours["ids"], ours["decoded"]))
found["texts"] = len(pairs)
found["texts of other ids"] = sum(tokenizer.encode(text, add_special_tokens=False).ids != ids for text, ids, _ in pairs)
found["texts decoded otherwise"] = sum(tokenizer.decode(ids, skip_special_tokens=True) != text for _, ids, text in pairs)

tokenizer = Tokenizer.from_file(str(folder / "bytes.json"))
other = [row for row in ours["strange"] if tokenizer.encode(row["text"], add_special_tokens=False).ids != row["ids"]]
found["strange texts"] = len(ours["strange"])
found["strange texts of other ids"] = [row["text"] for row in other]

template = json.loads((folder / "tokenizer_config.json").read_text())["chat_template"]
rendered = Environment(trim_blocks=True, lstrip_blocks=True).from_string(template)
found["same chat"] = rendered.render(messages=ours["messages"], add_generation_prompt=True) == ours["chat"]

processor = Processor(size={"shortest_edge": 3136, "longest_edge": 12845056})
gaps = []
for picture in ours["pictures"]:
    pixels = numpy.array(picture["bytes"], dtype=numpy.uint8).reshape(picture["height"], picture["width"], 3)
    values = processor(images=[Image.fromarray(pixels)], return_tensors="np")["pixel_values"].flatten()
    gaps.append(float(numpy.abs(values - numpy.array(picture["patches"], dtype=numpy.float32)).max()))
found["patches"] = max(gaps)
print(json.dumps(found))
