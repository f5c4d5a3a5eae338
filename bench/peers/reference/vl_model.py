"""Qwen2.5-VL as the fixtures of several folders ask it."""

import itertools
import re

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration


def build_vl(config):
    """A vision-language model without weights of its own, from a config.json with the text fields at the top level."""
    rope = {
        "rope_type": "default",
        "rope_theta": config["rope_theta"],
        "mrope_section": config["rope_scaling"]["mrope_section"],
    }
    apart = (
        "architectures",
        "model_type",
        "vision_config",
        "rope_scaling",
        "rope_theta",
        "im_start_token_id",
        "im_end_token_id",
    )
    text = {name: value for name, value in config.items() if name not in apart}
    special = {
        name: config[name]
        for name in ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    }
    built = Qwen2_5_VLConfig(
        text_config={**text, "rope_parameters": rope},
        vision_config=config["vision_config"],
        **special,
        tie_word_embeddings=False,
    )
    built._attn_implementation = "eager"
    return Qwen2_5_VLForConditionalGeneration(built).eval()


def on_disk(name):
    """The name of a parameter in released files."""
    return re.sub(r"^model\.(visual)|^(model)\.language_model", r"\1\2", name)


def positions_of(model, ids, grids=None, mask=None):
    """Positions on three axes `[3, B, S]` (1 at padding) and how far they fall behind the padded length `[B, 1]`."""
    kinds = (ids == model.config.image_token_id).int()
    places, _ = model.model.get_rope_index(ids, kinds, image_grid_thw=grids, attention_mask=mask)
    mask = torch.ones_like(ids) if mask is None else mask
    ends = places.max(0).values.masked_fill(mask == 0, -1).max(1, keepdim=True).values
    return places.masked_fill(mask[None] == 0, 1), ends + 1 - ids.shape[1]


def ask(model, ids, positions, **given):
    """A pass of the model over tokens at known positions."""
    return model(input_ids=ids, position_ids=positions, use_cache="cache" in given, **given)


def image_tokens(sizes, prompt):
    """A prompt with every list `[count]` replaced by the tokens of an image, with their start and end."""
    start, image, end = (sizes["config"][f"{name}_token_id"] for name in ("vision_start", "image", "vision_end"))
    return list(
        itertools.chain.from_iterable(
            [start, *[image] * part[0], end] if isinstance(part, list) else [part] for part in prompt
        )
    )
