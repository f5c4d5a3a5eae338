"""Fixtures of pictures as models take them."""

import itertools

import numpy
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize


def resampled(picture, size, kind):
    """A picture resized in width first, then in height, as Pillow 9 does in one call.

    Pillow 13 begins with the height where that loses more than twice as much as the width.
    """
    return picture.resize((size[0], picture.height), kind).resize(size, kind)


def image_preprocess(sizes, source):
    """Pictures resampled by Pillow, and as the autoencoder and the vision tower take them."""
    file, tensors, cases = "data.safetensors", {}, []

    def drawn(name, size):
        def draw():
            return (127 + 110 * torch.randn((*size, 3), generator=source.generator)).clamp(0, 255).to(torch.uint8)

        tensors[name] = source.take(file, name, draw)
        return Image.fromarray(tensors[name].numpy())

    picture, seen = drawn("src", sizes["src"]), drawn("vl.src", sizes["vl"])
    for kind, (width, height) in itertools.product(("lanczos", "bicubic", "bilinear"), sizes["sizes"]):
        name = f"{kind}.{width}x{height}"
        tensors[name] = torch.tensor(numpy.array(resampled(picture, (width, height), Image.Resampling[kind.upper()])))
        cases.append({"name": name, "filter": kind, "wh": [width, height]})
    width, height = sizes["sizes"][0]
    pixels = VaeImageProcessor(vae_scale_factor=16).preprocess(
        resampled(picture, (width, height), Image.Resampling.LANCZOS)
    )
    tensors[f"vae_input.{width}x{height}"] = pixels[:, :, None]
    bounds = {"min_pixels": 56 * 56, "max_pixels": 12845056}
    processor = Qwen2VLImageProcessorPil(**bounds)
    extent = smart_resize(*sizes["vl"], processor.patch_size * processor.merge_size, **bounds)
    resized = resampled(seen, extent[::-1], Image.Resampling.BICUBIC)
    found = processor(images=[resized], do_resize=False, return_tensors="pt")
    grid = found["image_grid_thw"]
    tensors |= {
        "vl.image_grid_thw": grid,
        "vl.pixel_values": found["pixel_values"],
        "vl.resized": torch.tensor(numpy.array(resized)),
    }
    config = {
        "src_hw": sizes["vl"],
        "resized_hw": list(extent),
        "grid_thw": grid[0].tolist(),
        "patch": processor.patch_size,
        "merge": processor.merge_size,
        "temporal": processor.temporal_patch_size,
        "image_mean": list(processor.image_mean),
        "image_std": list(processor.image_std),
        **bounds,
    }
    return {"config.json": {"cases": cases, "vl": config}, file: tensors}
