"""Fixtures of the autoencoder."""

import math

import torch
from diffusers import AutoencoderKLQwenImage
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import QwenImageEditPlusPipeline

from .source import gradients, prefixed, recorded

WATCHED_WEIGHTS = {
    "encode": [
        "encoder.conv_in.weight",
        "encoder.down_blocks.0.norm1.gamma",
        "encoder.down_blocks.2.resample.1.weight",
        "encoder.mid_block.attentions.0.to_qkv.weight",
        "quant_conv.weight",
    ],
    "decode": [
        "decoder.conv_in.weight",
        "decoder.conv_out.bias",
        "decoder.mid_block.attentions.0.proj.weight",
        "decoder.up_blocks.1.upsamplers.0.resample.1.weight",
        "post_quant_conv.weight",
    ],
}


def build_vae(config):
    """An autoencoder without weights of its own."""
    return AutoencoderKLQwenImage(**{name: value for name, value in config.items() if not name.startswith("_")}).eval()


def latent_scale(model):
    """Mean and deviation of the latents' channels, to be broadcast over `[B, C, 1, H, W]`."""
    return (
        torch.tensor(values).view(1, -1, 1, 1, 1) for values in (model.config.latents_mean, model.config.latents_std)
    )


def encode_tokens(model, pixels):
    """Normalised latents of a picture `[1, 3, 1, H, W]` and their packed tokens."""
    mean, std = latent_scale(model)
    latents = (model.encode(pixels).latent_dist.mode() - mean) / std
    _, channels, _, height, width = latents.shape
    return latents, QwenImageEditPlusPipeline._pack_latents(latents, 1, channels, height, width)


def unpack_tokens(model, tokens, height, width):
    """Latents of packed tokens for a picture of a size, as they come and as the autoencoder takes them."""
    mean, std = latent_scale(model)
    latents = QwenImageEditPlusPipeline._unpack_latents(tokens, height, width, 8)
    return latents, latents * std + mean


def watched_modules(model):
    """Submodules whose outputs are kept."""
    parts = [f"encoder.{name}" for name in ("conv_in", "conv_out", "mid_block", "norm_out")]
    parts += [f"encoder.down_blocks.{i}" for i in range(len(model.encoder.down_blocks))]
    parts += [f"decoder.{name}" for name in ("conv_in", "conv_out", "mid_block", "mid_block.attentions.0", "norm_out")]
    parts += [f"decoder.up_blocks.{i}" for i in range(len(model.decoder.up_blocks))] + ["quant_conv", "post_quant_conv"]
    return {f"act.{name}": name for name in parts}


def drawn_inputs(sizes, source):
    """Pictures, latents and seeds of gradients."""
    (height, width), channels, file = sizes["pixels"], sizes["config"]["z_dim"], "inputs.safetensors"
    latent = (1, channels, 1, height // 8, width // 8)
    return {
        "pixels": source.pixels(file, "pixels", (1, 3, 1, height, width)),
        "batch.pixels": source.pixels(file, "batch.pixels", (2, 3, 1, *sizes["batch"])),
        "tiled.pixels": source.pixels(file, "tiled.pixels", (1, 3, 1, *sizes["tiled"])),
        "denoised_packed": source.normal(file, "denoised_packed", (1, height * width // 256, 4 * channels), 0.7),
        "encode.grad_seed": source.normal(file, "encode.grad_seed", latent),
        "decode.grad_seed": source.normal(file, "decode.grad_seed", (1, 3, 1, height, width)),
    }


def both_ways(model, inputs):
    """Intermediates and gradients of encoding and decoding, each by itself."""
    pixels, packed = (inputs[name].clone().requires_grad_() for name in ("pixels", "denoised_packed"))
    with recorded(model, watched_modules(model)) as seen:
        found = model.encode(pixels).latent_dist
        latents, tokens = encode_tokens(model, pixels)
        unpacked, denormalized = unpack_tokens(model, packed, *pixels.shape[3:])
        decoded = model.decode(denormalized).sample
    mode, grads = found.mode(), {}
    for side, given, out in (("encode", {"pixels": pixels}, mode), ("decode", {"denoised_packed": packed}, decoded)):
        watched = {**given, **{f"param.{name}": model.get_parameter(name) for name in WATCHED_WEIGHTS[side]}}
        grads |= prefixed(f"{side}.", gradients((out * inputs[f"{side}.grad_seed"]).sum(), watched))
    outputs = {
        **seen,
        "moments": seen["act.quant_conv"],
        "mode": mode,
        "logvar": found.logvar,
        "normalized_latents": latents,
        "packed_tokens": tokens,
        "unpacked": unpacked,
        "denormalized": denormalized,
        "decoded": decoded,
        "decoded_pre_clamp": seen["act.decoder.conv_out"],
    }
    return outputs, grads


@torch.no_grad()
def without_gradients(model, inputs, tile, stride):
    """A batch, and a picture whole and in tiles; leaves the model tiling."""
    outputs = {"batch.mode": model.encode(inputs["batch.pixels"]).latent_dist.mode()}
    outputs["batch.decoded"] = model.decode(outputs["batch.mode"]).sample
    outputs["untiled.mode"] = model.encode(inputs["tiled.pixels"]).latent_dist.mode()
    model.enable_tiling(tile, tile, stride, stride)
    outputs["tiled.mode"] = model.encode(inputs["tiled.pixels"]).latent_dist.mode()
    outputs["tiled.decoded"] = model.decode(outputs["tiled.mode"]).sample
    return outputs


def autoencoder(sizes, source):
    """Autoencoder: intermediates, batch, tiles and gradients in both directions."""
    model = build_vae(sizes["config"])
    weights = source.weights(model, gain=math.sqrt(2))
    inputs = drawn_inputs(sizes, source)
    outputs, grads = both_ways(model, inputs)
    outputs |= without_gradients(model, inputs, *sizes["tile"].values())
    return {
        "config.json": {**sizes["config"], "tiling": {**sizes["tile"], "used_by": "tiled.*"}},
        "model.safetensors": weights,
        "inputs.safetensors": inputs,
        "outputs.safetensors": outputs,
        "grads.safetensors": grads,
    }
