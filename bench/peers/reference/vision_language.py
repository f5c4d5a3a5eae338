"""Fixtures of Qwen2.5-VL."""

import math

import torch
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VLRotaryEmbedding,
    Qwen2_5_VLVisionRotaryEmbedding,
    apply_rotary_pos_emb,
)
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

from .source import prefixed
from .vl_cases import (
    adapter_case,
    edit_prompt_case,
    greedy_case,
    padded_case,
    rounded_case,
    text_case,
    vision_cases,
)
from .vl_model import build_vl, image_tokens, on_disk


def drawn_inputs(sizes, source):
    """Patches and tokens of all cases."""
    fields, config, file, inputs = sizes["config"]["vision_config"], sizes["config"], "inputs.safetensors", {}
    numbers = fields["in_channels"] * fields["temporal_patch_size"] * fields["patch_size"] ** 2
    for case, grids in sizes["grids"].items():
        patches = sum(math.prod(grid) for grid in grids)
        inputs[f"{case}.image_grid_thw"] = torch.tensor(grids)
        inputs[f"{case}.pixel_values"] = source.normal(file, f"{case}.pixel_values", (patches, numbers))
        shape = (patches // fields["spatial_merge_size"] ** 2, fields["out_hidden_size"])
        inputs[f"{case}.grad_seed"] = source.normal(file, f"{case}.grad_seed", shape)
    for name in ("pixel_values", "image_grid_thw"):
        inputs[f"lm_edit.{name}"] = inputs[f"vis_two_images.{name}"].clone()
    prompt, short = image_tokens(sizes, sizes["prompt"]), image_tokens(sizes, sizes["short_prompt"])
    inputs["lm_edit.input_ids"] = torch.tensor([prompt])
    inputs["lm_edit.grad_seed"] = source.normal(file, "lm_edit.grad_seed", (1, len(prompt), config["vocab_size"]), 0.1)
    inputs["lm_text.input_ids"] = torch.tensor([sizes["text_prompt"]])
    missing = len(prompt) - len(short)
    third = torch.tensor([sizes["short_grid"]])
    # Both padded cases show the same pictures; the third belongs to the short prompt.
    rows = source.take(
        file,
        "lm_pad_left.pixel_values",
        lambda: torch.cat(
            [inputs["lm_edit.pixel_values"], torch.randn((third.prod(), numbers), generator=source.generator)]
        ),
    )
    for case, before, after in (("lm_pad_left", missing, 0), ("lm_pad_right", 0, missing)):
        pad = config["pad_token_id"]
        inputs[f"{case}.input_ids"] = torch.tensor([prompt, [pad] * before + short + [pad] * after])
        inputs[f"{case}.attention_mask"] = torch.tensor(
            [[1] * len(prompt), [0] * before + [1] * len(short) + [0] * after]
        )
        inputs[f"{case}.image_grid_thw"] = torch.cat([inputs["lm_edit.image_grid_thw"], third])
        inputs[f"{case}.pixel_values"] = rows.clone()
    return inputs


def vision_language(sizes, source):
    """Vision tower and language model: intermediates, padding, decoding with a cache and an adapter, with gradients."""
    config = sizes["config"]
    special = {value for name, value in config.items() if name.endswith("_token_id")}
    while True:
        model = build_vl(config)
        weights = source.weights(model, rename=on_disk)
        inputs = drawn_inputs(sizes, source)
        greedy, tokens, margins = greedy_case(model, inputs)
        # Drawn anew where rounding could change the greedy tokens, or where they mean more than text.
        if source.folder or (min(margins) > 0.02 and special.isdisjoint(tokens)):
            break
    (seen, seen_grads), (read, read_grads) = vision_cases(model, sizes, inputs), edit_prompt_case(model, inputs)
    padded = padded_case(model, inputs, "lm_pad_left") | padded_case(model, inputs, "lm_pad_right")
    rounded, text = rounded_case(model, config, inputs), text_case(model, inputs)
    return {
        "config.json": {**config, "kv_greedy_margins": margins, "kv_tokens": tokens},
        "model.safetensors": weights,
        "inputs.safetensors": inputs,
        "outputs.safetensors": {**seen, **read, **greedy, **padded, **text, **rounded},
        "grads.safetensors": {**seen_grads, **read_grads},
        **adapter_case(model, sizes, source, inputs, tokens),
    }


def vl_rope(sizes, source):
    """Angles and windows of Qwen2.5-VL at the released 7B sizes."""
    file, sections = "tables.safetensors", [16, 24, 24]
    rope = {"rope_type": "default", "rope_theta": 1000000.0, "mrope_section": sections}
    rotary = Qwen2_5_VLRotaryEmbedding(
        Qwen2_5_VLTextConfig(hidden_size=3584, num_attention_heads=28, rope_parameters=rope)
    )
    vision = Qwen2_5_VLVisionConfig(
        hidden_size=1280, num_heads=16, window_size=112, patch_size=14, spatial_merge_size=2
    )
    positions = torch.tensor(sizes["positions"])[:, None]
    tokens = positions.shape[-1]
    heads = {
        name: source.normal(file, f"mrope.{name}", (1, count, tokens, 128)) for name, count in (("q", 2), ("k", 1))
    }
    turns = [rotary(heads["q"], axis.expand(3, -1, -1)) for axis in positions]
    cosine, sine = rotary(heads["q"], positions)
    query, key = apply_rotary_pos_emb(heads["q"], heads["k"], cosine, sine)
    tables = {
        "position_ids": positions,
        "inv_freq": rotary.inv_freq,
        "cos_3": torch.stack([found for found, _ in turns]),
        "sin_3": torch.stack([found for _, found in turns]),
        "cos_merged": cosine,
        **heads,
        "q_out": query,
        "k_out": key,
    }
    tables = prefixed("mrope.", tables)
    for name, grids in sizes["grids"].items():
        grids = torch.tensor(grids)
        order, windows = get_vision_window_index(grids, 2, vision.window_size, vision.patch_size)
        found = {"grid_thw": grids, "window_index": order, "cu_window_seqlens": windows.long()}
        tables |= prefixed(f"vision.{name}.", found)
    places = get_vision_position_ids(tables["vision.a.grid_thw"], 2)
    angles = (places[..., None] * Qwen2_5_VLVisionRotaryEmbedding(vision).inv_freq).flatten(1)
    tables["vision.a.rotary_first24_last4"] = torch.cat([angles[:24], angles[-4:]])
    config = {
        "lm": {"head_dim": 128, "rope_theta": 1000000.0, "mrope_section": sections},
        "vision": {
            "head_dim": 80,
            "rotary_dim": angles.shape[1],
            "theta": 10000,
            "window_size": vision.window_size,
            "patch_size": vision.patch_size,
            "spatial_merge_size": vision.spatial_merge_size,
        },
    }
    return {"config.json": config, file: tables}
