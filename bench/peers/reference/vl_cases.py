"""Cases of Qwen2.5-VL on one tiny model."""

import torch
from peft import LoraConfig, get_peft_model
from transformers.cache_utils import DynamicCache
from transformers.vision_utils import get_vision_cu_seqlens, get_vision_position_ids, get_vision_window_index

from .source import gradients, prefixed, recorded
from .vl_model import ask, build_vl, on_disk, positions_of


def images_of(inputs, case):
    """The pictures of a case."""
    return {name: inputs[f"{case}.{name}"] for name in ("pixel_values", "image_grid_thw")}


def vision_cases(model, sizes, inputs):
    """Window order, angles, intermediates and gradients of the vision tower."""
    tower, outputs, grads = model.model.visual, {}, {}
    fields = sizes["config"]["vision_config"]
    merge = fields["spatial_merge_size"]
    parts = {f"block0.{name}": f"blocks.0.{name}" for name in ("norm1", "attn", "mlp")}
    parts |= {f"block{i}": f"blocks.{i}" for i in range(fields["depth"])}
    parts |= {"patch_embed": "patch_embed", "merger_window_order": "merger"}
    for case in sizes["grids"]:
        grids = inputs[f"{case}.image_grid_thw"]
        order, windows = get_vision_window_index(grids, merge, fields["window_size"], fields["patch_size"])
        places = get_vision_position_ids(grids, merge)
        pixels = inputs[f"{case}.pixel_values"].clone().requires_grad_()
        with recorded(tower, parts if case == "vis_two_images" else {}) as seen:
            embeds = tower(pixels, grid_thw=grids).pooler_output
        tables = {
            "window_index": order,
            "cu_window_seqlens": windows.long(),
            "cu_seqlens": get_vision_cu_seqlens(grids).long(),
            "rotary_pos_emb_before_window_reorder": (places[..., None] * tower.rotary_pos_emb.inv_freq).flatten(1),
        }
        outputs |= prefixed(f"{case}.", {**tables, **seen, "image_embeds": embeds})
        watched = {"pixel_values": pixels}
        if case == "vis_two_images":
            watched |= {f"param.visual.{name}": parameter for name, parameter in tower.named_parameters()}
        grads |= prefixed(f"{case}.", gradients((embeds * inputs[f"{case}.grad_seed"]).sum(), watched))
    return outputs, grads


def edit_prompt_case(model, inputs):
    """Intermediates, logits and gradients of the language model for a prompt with two images."""
    language, ids = model.model.language_model, inputs["lm_edit.input_ids"]
    positions, behind = positions_of(model, ids, inputs["lm_edit.image_grid_thw"])
    pixels = inputs["lm_edit.pixel_values"].clone().requires_grad_()
    given = {}
    handle = language.register_forward_pre_hook(lambda _m, _a, kwargs: given.update(kwargs), with_kwargs=True)
    layer, last = "layers.0.", f"layers.{len(language.layers) - 1}"
    parts = {"layer0." + name: layer + name for name in ("input_layernorm", "mlp", "self_attn")}
    parts |= {"layer0.q_proj": layer + "self_attn.q_proj", "last_layer_pre_norm": last}
    with recorded(language, parts) as seen:
        found = ask(
            model,
            ids,
            positions,
            pixel_values=pixels,
            image_grid_thw=inputs["lm_edit.image_grid_thw"],
            output_hidden_states=True,
        )
    handle.remove()
    embeds = given["inputs_embeds"]
    turns = [language.rotary_emb(embeds, axis.expand(3, -1, -1)) for axis in positions]
    chosen = found.logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]
    seen["layer0.self_attn"] = seen["layer0.self_attn"][0]
    outputs = {
        **seen,
        **{f"hidden_states.{i}": states for i, states in enumerate(found.hidden_states)},
        "position_ids": positions,
        "rope_deltas": behind,
        "inputs_embeds": embeds,
        "cos": torch.stack([cosine for cosine, _ in turns]),
        "sin": torch.stack([sine for _, sine in turns]),
        "logits": found.logits,
        "logprobs_next_token": chosen,
        "prompt_embeds_drop6": found.hidden_states[-1][:, 6:],
    }
    watched = {
        f"param.{on_disk(name)}": parameter
        for name, parameter in model.named_parameters()
        if "visual" not in name or "patch_embed" in name
    }
    watched |= {"inputs_embeds": embeds, "pixel_values": pixels}
    grads = gradients((found.logits * inputs["lm_edit.grad_seed"]).sum(), watched)
    return prefixed("lm_edit.", outputs), prefixed("lm_edit.", grads)


def padded_case(model, inputs, case):
    """Masked states and logits of two prompts of unequal length."""
    ids, mask = inputs[f"{case}.input_ids"], inputs[f"{case}.attention_mask"]
    positions, behind = positions_of(model, ids, inputs[f"{case}.image_grid_thw"], mask)
    found = ask(model, ids, positions, attention_mask=mask, output_hidden_states=True, **images_of(inputs, case))
    outputs = {
        "last_hidden_masked": found.hidden_states[-1] * mask[..., None],
        "logits_masked": found.logits * mask[..., None],
    }
    return prefixed(f"{case}.", {**outputs, "position_ids": positions, "rope_deltas": behind})


def text_case(model, inputs):
    """A prompt without pictures."""
    words = inputs["lm_text.input_ids"]
    positions, behind = positions_of(model, words)
    found = {"logits": ask(model, words, positions).logits, "position_ids": positions, "rope_deltas": behind}
    return prefixed("lm_text.", found)


@torch.no_grad()
def rounded_case(model, config, inputs):
    """The last states of the prompt with two images where weights and patches are bfloat16."""
    half = build_vl(config)
    half.load_state_dict(model.state_dict())
    ids, images = inputs["lm_edit.input_ids"], images_of(inputs, "lm_edit")
    positions, _ = positions_of(model, ids, images["image_grid_thw"])
    images["pixel_values"] = images["pixel_values"].to(torch.bfloat16)
    found = ask(half.to(torch.bfloat16), ids, positions, output_hidden_states=True, **images)
    return {"lm_edit.last_hidden_bf16_run": found.hidden_states[-1].float()}


@torch.no_grad()
def greedy_case(model, inputs, steps=5):
    """Cache after the prompt and the next tokens by the greatest logit, with the margins by which they were chosen."""
    ids, cache = inputs["lm_edit.input_ids"], DynamicCache()
    images = images_of(inputs, "lm_edit")
    positions, behind = positions_of(model, ids, images["image_grid_thw"])
    logits = ask(model, ids, positions, cache=cache, **images).logits[:, -1]
    outputs = {"prefill_k.layer0": cache.layers[0].keys.clone(), "prefill_v.layer0": cache.layers[0].values.clone()}
    tokens, margins = [], []
    for step in range(steps):
        first, second = logits[0].topk(2).values
        tokens.append(logits.argmax().item())
        margins.append((first - second).item())
        place = (behind + cache.get_seq_length()).expand(3, 1, 1)
        outputs |= {f"step{step}.logits_in": logits, f"step{step}.position_ids": place.clone()}
        logits = ask(model, torch.tensor([[tokens[-1]]]), place, cache=cache).logits[:, -1]
        outputs[f"step{step}.logits"] = logits
    return prefixed("kv.", {**outputs, "tokens": torch.tensor(tokens)}), tokens, margins


def adapter_case(model, sizes, source, inputs, tokens):
    """Clipped-ratio loss of a completion under an adapter of the language model, with its gradients."""
    rank, alpha = sizes["lora"]
    modules = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    adapted = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=modules)).eval()
    factors = source.adapter(adapted, lambda name: name, rank)
    completion = [*tokens[:4], sizes["config"]["im_end_token_id"]]
    ids = torch.cat([inputs["lm_edit.input_ids"], torch.tensor([completion])], 1)
    images = images_of(inputs, "lm_edit")
    positions, _ = positions_of(model, ids, images["image_grid_thw"])
    logits = ask(adapted, ids, positions, **images).logits[:, -len(completion) - 1 : -1]
    every = logits.log_softmax(-1)
    chosen = every.gather(-1, torch.tensor(completion)[None, :, None])[..., 0]
    old = source.take(
        "lora_outputs.safetensors",
        "old_logprobs",
        lambda: chosen.detach() + 0.1 * torch.randn(chosen.shape, generator=source.generator),
    )
    advantage, low, high = sizes["advantage"], 0.2, 0.28
    ratio = (chosen - old).exp()
    loss = -torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage).mean()
    outputs = {
        "input_ids_with_completion": ids,
        "position_ids": positions,
        "completion_logits": logits,
        "completion_logprobs": chosen,
        "completion_entropy": -(every.exp() * every).sum(-1),
        "old_logprobs": old,
        "loss": loss[None],
    }
    config = {
        "r": rank,
        "lora_alpha": alpha,
        "completion_len": len(completion),
        "advantage": advantage,
        "epsilon_low": low,
        "epsilon_high": high,
        "loss": loss.item(),
        "completion_ids": completion,
    }
    return {
        "lora_config.json": config,
        "lora.safetensors": factors,
        "lora_outputs.safetensors": outputs,
        "lora_grads.safetensors": gradients(loss, factors),
    }
