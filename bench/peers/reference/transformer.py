"""Fixtures of the diffusion transformer."""

import math

import torch
from diffusers import QwenImageTransformer2DModel
from diffusers.models.embeddings import Timesteps
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedRope, apply_rotary_emb_qwen
from peft import LoraConfig

from .scheduler import released_scheduler
from .source import gradients, prefixed, recorded

LORA_MODULES = (
    "attn.to_k attn.to_q attn.to_v attn.to_out.0 attn.add_k_proj attn.add_q_proj attn.add_v_proj attn.to_add_out "
    "img_mlp.net.0.proj img_mlp.net.2 txt_mlp.net.0.proj txt_mlp.net.2"
).split()


def build_transformer(fields):
    """A transformer without weights of its own."""
    return QwenImageTransformer2DModel(**fields).eval()


def copy_of(model, **change):
    """A transformer of the same configuration, but for changes, with the same weights."""
    copied = QwenImageTransformer2DModel.from_config(model.config, **change).eval()
    copied.load_state_dict(model.state_dict())
    return copied


def drawn_inputs(sizes, source):
    """States, noise levels and masks of all cases."""
    width, text, file = sizes["config"]["in_channels"], sizes["config"]["joint_attention_dim"], "inputs.safetensors"
    inputs = {}
    for case, shapes, levels in (
        ("edit", sizes["edit"], [sizes["sigma"]]),
        ("masked_batch", [sizes["batch"]], sizes["batch_sigmas"]),
    ):
        rows, tokens = len(levels), sum(math.prod(shape) for shape in shapes)
        words = (rows, sizes["text"], text)
        inputs |= {
            f"{case}.encoder_hidden_states": source.normal(file, f"{case}.encoder_hidden_states", words, 2),
            f"{case}.hidden_states": source.normal(file, f"{case}.hidden_states", (rows, tokens, width)),
            f"{case}.timestep": source.take(file, f"{case}.timestep", lambda given=levels: torch.tensor(given)),
        }
        if case == "edit":
            inputs["edit.grad_seed"] = source.normal(file, "edit.grad_seed", (rows, tokens, width))
    for case, mask in sizes["masks"].items():
        inputs[f"{case}.encoder_hidden_states_mask"] = torch.tensor(mask)
    return inputs


def run(model, inputs, case, shapes, mask=None):
    """The inputs of a case as leaves of their own, and what a model makes of them."""
    names = ("hidden_states", "encoder_hidden_states", "timestep")
    given = {name: inputs[f"{case}.{name}"].clone().requires_grad_() for name in names}
    return given, model(**given, encoder_hidden_states_mask=mask, img_shapes=shapes).sample


def watched_modules(layers):
    """Submodules whose outputs are kept, by the names of the fixtures."""
    block = "transformer_blocks.0."
    return {
        **{name: name for name in ("img_in", "txt_norm", "txt_in", "norm_out")},
        "time_proj": "time_text_embed.time_proj",
        "temb": "time_text_embed",
        "block0.attn": block + "attn",
        **{f"block0.{name}": block + name for name in ("img_mod", "txt_mod", "img_norm1", "img_mlp")},
        **{f"block0.attn.{name}": f"{block}attn.{name}" for name in ("norm_q", "norm_added_k")},
        **{f"block{i}": f"transformer_blocks.{i}" for i in range(layers)},
    }


def watched_run(model, inputs, shapes):
    """The `edit` case with the outputs of submodules; those that give both streams are told apart."""
    layers = len(model.transformer_blocks)
    with recorded(model, watched_modules(layers)) as seen:
        given, out = run(model, inputs, "edit", shapes)
    seen["block0.attn.img_out"], seen["block0.attn.txt_out"] = seen.pop("block0.attn")
    for i in range(layers):
        seen[f"block{i}.txt"], seen[f"block{i}.img"] = seen.pop(f"block{i}")
    return given, {**seen, "out": out}


def edit_case(model, inputs, shapes):
    """Intermediates and all gradients of an edit with references, and its result in bfloat16."""
    given, outputs = watched_run(model, inputs, shapes)
    loss = (outputs["out"] * inputs["edit.grad_seed"]).sum()
    grads = gradients(loss, {**given, **prefixed("param.", dict(model.named_parameters()))})
    half = copy_of(model).to(torch.bfloat16)
    rounded = {name: tensor.to(torch.bfloat16) for name, tensor in given.items()}
    outputs["out_bf16_run"] = half(**rounded, img_shapes=shapes).sample.float()
    return prefixed("edit.", outputs), prefixed("edit.", grads)


def zero_case(model, inputs, shapes):
    """The same with references conditioned at time zero, and some of its gradients."""
    model = copy_of(model, zero_cond_t=True)
    given, outputs = watched_run(model, inputs, shapes)
    kept = ("block0.img", "block0.img_mod", "block0.txt", "temb", "out")
    names = ["time_text_embed.timestep_embedder.linear_1.weight"]
    names += [f"transformer_blocks.0.{name}" for name in ("attn.to_q.weight", "img_mod.1.weight")]
    watched = {f"param.{name}": model.get_parameter(name) for name in names}
    watched |= {name: given[name] for name in ("hidden_states", "encoder_hidden_states")}
    grads = gradients((outputs["out"] * inputs["edit.grad_seed"]).sum(), watched)
    return prefixed("edit_zero_cond_t.", {name: outputs[name] for name in kept}), prefixed("edit_zero_cond_t.", grads)


def transformer(sizes, source):
    """Transformer: intermediates, masks, conditioning at time zero and an adapter, with gradients."""
    fields, shapes, batch_shapes = sizes["config"], [sizes["edit"]], [[sizes["batch"]]] * 2
    model = build_transformer(fields)
    weights = source.weights(model)
    inputs = drawn_inputs(sizes, source)
    outputs, grads = edit_case(model, inputs, shapes)
    more = zero_case(model, inputs, shapes)
    outputs, grads = outputs | more[0], grads | more[1]
    for case in ("masked_batch", "sparse_mask", "nomask_batch"):
        mask = inputs.get(f"{case}.encoder_hidden_states_mask")
        outputs[f"{case}.out"] = run(model, inputs, "masked_batch", batch_shapes, mask)[1]
    adapted, (rank, alpha) = copy_of(model), sizes["lora"]
    adapted.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=LORA_MODULES))
    factors = source.adapter(adapted, lambda name: "transformer." + name, rank)
    outputs["edit_lora.out"] = run(adapted, inputs, "edit", shapes)[1]
    lora_grads = gradients((outputs["edit_lora.out"] * inputs["edit.grad_seed"]).sum(), factors)
    still = [name for name, _ in model.named_parameters() if f"edit.param.{name}" not in grads]
    config = {
        "_class_name": "QwenImageTransformer2DModel",
        **fields,
        "zero_cond_t": False,
        "cases": cases_of(shapes, batch_shapes, sizes["lora"]),
        "params_without_grad_in_edit": still,
        "lora_params_without_grad": [name for name in factors if name not in lora_grads],
    }
    return {
        "config.json": config,
        "model.safetensors": weights,
        "inputs.safetensors": inputs,
        "outputs.safetensors": outputs,
        "grads.safetensors": grads,
        "lora.safetensors": factors,
        "lora_grads.safetensors": lora_grads,
    }


def cases_of(shapes, batch_shapes, lora):
    """What config.json says of the cases."""
    batch = {"img_shapes": batch_shapes, "inputs": "masked_batch.*"}
    edit = {"img_shapes": shapes, "inputs": "edit.*"}
    adapter = {
        "lora_r": lora[0],
        "lora_alpha": lora[1],
        "lora_file": "lora.safetensors",
        "target_modules": LORA_MODULES,
    }
    return {
        "edit": {"img_shapes": shapes, "mask": None, "zero_cond_t": False},
        "masked_batch": {"img_shapes": batch_shapes, "mask": "masked_batch.encoder_hidden_states_mask"},
        "sparse_mask": {**batch, "mask": "sparse_mask.encoder_hidden_states_mask"},
        "nomask_batch": {**batch, "mask": None},
        "edit_zero_cond_t": {**edit, "zero_cond_t": True},
        "edit_lora": {**edit, **adapter},
    }


def image_rope(sizes, source):
    """Angles and time features of the transformer at the released sizes."""
    file, axes = "tables.safetensors", [16, 56, 56]
    rope, features = QwenEmbedRope(10000, axes, scale_rope=True), Timesteps(256, True, 0, scale=1000)
    high, wide, words, rows = sizes["single"]
    shapes, more_words = sizes["edit"]
    tall_high, tall_wide, tall_words = sizes["tall"]
    cases = [
        (f"single_{high}x{wide}", [[1, high, wide]], words),
        ("edit_" + "_".join(f"{h}x{w}" for _, h, w in shapes), shapes, more_words),
        (f"tall_{tall_high}x{tall_wide}", [[1, tall_high, tall_wide]], tall_words),
    ]
    tables, found = {}, []
    for name, case, length in cases:
        image, text = rope([case], max_txt_seq_len=length)
        if "single" in name:
            tables[f"{name}.rows"] = torch.tensor(rows)
            image = image[rows]
        for part, angles in (("img", image), ("txt", text)):
            tables |= {f"{name}.{part}.cos": angles.real, f"{name}.{part}.sin": angles.imag}
        kept = "subset (see .rows)" if "single" in name else "all"
        found.append({"name": name, "img_shapes": case, "txt_len": length, "img_rows": kept})
    turned = source.normal(file, "apply.in", (2, tall_words, 3, sum(axes)))
    levels = source.take(file, "time_proj.in", lambda: torch.tensor(sizes["levels"]))
    times = released_scheduler(10, 4096)[0].timesteps
    rounded = times.to(torch.bfloat16)
    tables |= {
        "apply.in": turned,
        "apply.out": apply_rotary_emb_qwen(turned, text, use_real=False),
        "time_proj.in": levels,
        "time_proj.out": features(levels),
        "time_bf16.t": times,
        "time_bf16.t_bf16": rounded.float(),
        "time_bf16.model_in": (rounded / 1000).float(),
        "time_bf16.proj": features(rounded / 1000),
        "time_bf16.proj_if_fp32": features(times / 1000),
    }
    note = f"x [B=2,S={tall_words},H=3,D=128], rotated with {cases[-1][0]}.txt freqs"
    config = {"theta": 10000, "axes_dims_rope": axes, "scale_rope": True, "cases": found, "apply": note}
    return {"config.json": config, file: tables}
