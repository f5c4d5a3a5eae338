"""Fixtures of Edit-Plus from end to end, of guidance and of packing."""

import json
import math
from pathlib import Path

import torch
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import QwenImageEditPlusPipeline

from .autoencoder import build_vae, encode_tokens, unpack_tokens
from .scheduler import released_scheduler
from .source import gradients, prefixed
from .transformer import build_transformer
from .vl_model import ask, build_vl, image_tokens, on_disk, positions_of

DETAILS = Path(__file__).parents[3] / "packages/backbones/test/fixtures/reference/pipeline/details.json"


def guide(cond, uncond, scale):
    """Guided velocity with the length of the conditional one by token, and the one before that."""
    combined = uncond + scale * (cond - uncond)
    return combined * (cond.norm(dim=-1, keepdim=True) / combined.norm(dim=-1, keepdim=True)), combined


def sde_step(levels, x, velocity, noise, noise_level):
    """Mean, deviation, next latents and log-probability of a step of Flow-GRPO between noise levels."""
    sigma, following, second = levels
    dt = following - sigma
    std = torch.sqrt(sigma / (1 - (second if sigma == 1 else sigma))) * noise_level
    mean = x * (1 + std**2 / (2 * sigma) * dt) + velocity * (1 + std**2 * (1 - sigma) / (2 * sigma)) * dt
    spread = std * torch.sqrt(-dt)
    to = mean + spread * noise
    log_prob = -((to - mean) ** 2) / (2 * spread**2) - torch.log(spread) - math.log(math.sqrt(2 * math.pi))
    return mean, std, to, log_prob.mean(dim=tuple(range(1, x.ndim)))


def drawn_inputs(sizes, source):
    """Prompts, pictures and noise."""
    language, file = source.sizes["qwen2_5_vl"], "inputs.safetensors"
    vision, (height, width), channels = (
        language["config"]["vision_config"],
        sizes["size"],
        sizes["config"]["out_channels"],
    )
    patches, numbers = sum(math.prod(grid) for grid in sizes["grids"]), 6 * vision["patch_size"] ** 2
    noise = source.normal(file, "noise_unpacked_b1chw", (1, 1, channels, height // 8, width // 8))
    inputs = {
        "pixel_values": source.normal(file, "pixel_values", (patches, numbers)),
        "image_grid_thw": torch.tensor(sizes["grids"]),
        "noise_unpacked_b1chw": noise,
        "latents0": QwenImageEditPlusPipeline._pack_latents(noise, 1, channels, height // 8, width // 8),
    }
    pictures = [[math.prod(grid) // vision["spatial_merge_size"] ** 2] for grid in sizes["grids"]]
    for sign in ("positive", "negative"):
        prompt = [*sizes["start"], *pictures, *sizes[sign], *sizes["end"]]
        inputs[f"{sign}_input_ids"] = torch.tensor([image_tokens(language, prompt)])
    for i, size in enumerate(sizes["references"]):
        inputs[f"ref_image.{i}"] = source.pixels(file, f"ref_image.{i}", (1, 3, 1, *size))
    for step in range(*sizes["window"]):
        inputs[f"sde.noise{step}"] = source.normal(file, f"sde.noise{step}", inputs["latents0"].shape)
    return inputs


def prompt_states(model, inputs, sign, drop):
    """States of a prompt after its first tokens."""
    ids, grids = inputs[f"{sign}_input_ids"], inputs["image_grid_thw"]
    positions, _ = positions_of(model, ids, grids)
    images = {"pixel_values": inputs["pixel_values"], "image_grid_thw": grids}
    return ask(model, ids, positions, output_hidden_states=True, **images).hidden_states[-1][:, drop:]


def denoise_ode(scheduler, velocities, x):
    """Velocities and latents of every Euler step."""
    outputs = {}
    for step, time in enumerate(scheduler.timesteps):
        found = velocities(x, time)
        x = scheduler.step(found["guided"], time, x).prev_sample
        outputs |= prefixed(f"step{step}.", {**found, "latents": x})
    return x, outputs


def denoise_sde(scheduler, velocities, x, noise, noise_level):
    """Transitions of every step: by the SDE where there is noise for it, else by Euler."""
    sigmas, outputs = scheduler.sigmas, {}
    for step, time in enumerate(scheduler.timesteps):
        velocity = velocities(x, time)["guided"]
        if step in noise:
            levels = (sigmas[step], sigmas[step + 1], sigmas[1])
            mean, std, x, log_prob = sde_step(levels, x, velocity, noise[step], noise_level)
            outputs |= prefixed(f"step{step}.", {"mean": mean, "std": std[None], "log_prob": log_prob})
        else:
            x = x + velocity * (sigmas[step + 1] - sigmas[step])
        outputs[f"step{step}.latents"] = x
    return x, outputs


@torch.no_grad()
def pipeline_edit_plus(sizes, source):
    """Edit-Plus from end to end on the models of the other folders, by the ODE and by the SDE of Flow-GRPO."""
    text = source.fill(build_vl(source.sizes["qwen2_5_vl"]["config"]), "qwen2_5_vl", on_disk)
    vae = source.fill(build_vae(source.sizes["qwen_image_vae"]["config"]), "qwen_image_vae")
    model = build_transformer(sizes["config"])
    weights = source.weights(model, "transformer.safetensors")
    inputs = drawn_inputs(sizes, source)
    prompts = {sign: prompt_states(text, inputs, sign, sizes["drop"]) for sign in ("positive", "negative")}
    pictures = [inputs[f"ref_image.{i}"] for i in range(len(sizes["references"]))]
    references = torch.cat([encode_tokens(vae, picture)[1] for picture in pictures], 1)
    shapes = [[[1, height // 16, width // 16] for height, width in [sizes["size"], *sizes["references"]]]]
    start = inputs["latents0"]

    def velocities(x, time):
        seen, level = torch.cat([x, references], 1), (time / 1000).expand(1)
        cond, uncond = (
            model(seen, prompt, timestep=level, img_shapes=shapes).sample[:, : x.shape[1]]
            for prompt in prompts.values()
        )
        return {"cond": cond, "uncond": uncond, "guided": guide(cond, uncond, sizes["scale"])[0]}

    def picture_of(x):
        return vae.decode(unpack_tokens(vae, x, *sizes["size"])[1]).sample[:, :, 0]

    scheduler, mu = released_scheduler(sizes["steps"], start.shape[1])
    outputs = {
        "prompt_embeds": prompts["positive"],
        "negative_prompt_embeds": prompts["negative"],
        "image_latents": references,
        "sigmas": scheduler.sigmas,
        "timesteps": scheduler.timesteps,
    }
    x, found = denoise_ode(scheduler, velocities, start)
    picture = picture_of(x)
    outputs |= prefixed("ode.", {**found, "image_m11": picture, "image_01": (picture / 2 + 0.5).clamp(0, 1)})
    noise = {step: inputs[f"sde.noise{step}"] for step in range(*sizes["window"])}
    x, found = denoise_sde(scheduler, velocities, start, noise, sizes["noise_level"])
    outputs |= prefixed("sde.", {**found, "image_01": (picture_of(x) / 2 + 0.5).clamp(0, 1)})
    config = {
        "transformer": sizes["config"],
        "vae": "../qwen_image_vae",
        "text_encoder": "../qwen2_5_vl",
        "drop_idx": sizes["drop"],
        "height": sizes["size"][0],
        "width": sizes["size"][1],
        "img_shapes": shapes,
        "steps": sizes["steps"],
        "true_cfg_scale": sizes["scale"],
        "mu": mu,
        "scheduler": "released config",
        "sde": {"noise_level": sizes["noise_level"], "window": sizes["window"]},
        "image_token_id": text.config.image_token_id,
    }
    return {
        "config.json": config,
        "transformer.safetensors": weights,
        "inputs.safetensors": inputs,
        "outputs.safetensors": outputs,
    }


def pipeline_numerics(sizes, source):
    """Guidance with its gradients, and packing; the templates, tokens and tables of details.json are copied."""
    file, tensors = "numerics.safetensors", {}
    cond, uncond, seed = (source.normal(file, f"cfg.{name}", (2, 5, 8)) for name in ("cond", "uncond", "grad_seed"))
    tensors = {"cfg.cond": cond, "cfg.uncond": uncond, "cfg.grad_seed": seed}
    for scale in (2.5, 4.0):
        given = {"cond": cond.clone().requires_grad_(), "uncond": uncond.clone().requires_grad_()}
        out, combined = guide(*given.values(), scale)
        found = gradients((out * seed).sum(), {f"grad_{name}": tensor for name, tensor in given.items()})
        tensors |= prefixed(f"cfg{scale}.", {**found, "out": out, "comb": combined})
    channels, height, width = sizes["pack"]
    latents = torch.arange(math.prod(sizes["pack"]), dtype=torch.float32).view(1, channels, 1, height, width)
    packed = QwenImageEditPlusPipeline._pack_latents(latents, 1, channels, height, width)
    unpacked = QwenImageEditPlusPipeline._unpack_latents(packed, 8 * height, 8 * width, 8)
    tensors |= {"pack.latents": latents, "pack.packed": packed, "pack.unpacked": unpacked}
    return {"details.json": json.loads(DETAILS.read_text()), file: tensors}
