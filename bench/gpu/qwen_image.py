"""The Qwen-Image transformer in plain PyTorch: weights by checkpoint name, LoRA on the twelve kinds of layers, blocks
checkpointed one by one where gradients are taken. What nobody reads of the last block is not computed, and the modulation of
a noise level is made once."""
import math

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

EPSILON = 1e-6


def rms_norm(x, weight, epsilon=EPSILON):
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)).to(x.dtype) * weight


def modulated(x, shift, scale):
    return F.layer_norm(x, (x.shape[-1],), eps=EPSILON) * (1 + scale) + shift


def turned(x, angles):
    """Turns neighbouring features of x [batch, tokens, heads, size] in float32; angles are complex [tokens, size / 2]."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * angles[:, None]).flatten(-2).to(x.dtype)


def rope_angles(grids, text_tokens, axes, device):
    start = max(max(height // 2, width // 2) for height, width in grids)
    steps = torch.arange(text_tokens) + start
    positions = [torch.stack([steps, steps, steps], 1)]
    for image, (height, width) in enumerate(grids):
        rows, columns = torch.arange(height) - (height - height // 2), torch.arange(width) - (width - width // 2)
        places = torch.cartesian_prod(rows, columns)
        positions.append(torch.cat([torch.full((height * width, 1), image), places], 1))
    places = torch.cat(positions).float()
    rates = [10_000 ** -(torch.arange(0, size, 2).float() / size) for size in axes]
    angles = torch.cat([places[:, axis, None] * rate for axis, rate in enumerate(rates)], 1)
    return torch.polar(torch.ones_like(angles), angles).to(device)


class QwenImage:
    def __init__(self, sizes, weights, adapter, scale):
        self.sizes, self.weights, self.adapter, self.scale = sizes, weights, adapter, scale
        self.levels = {}

    def linear(self, x, place):
        y = F.linear(x, self.weights[f"{place}.weight"], self.weights[f"{place}.bias"])
        a = self.adapter.get(f"{place}.lora_A.weight")
        if a is None:
            return y
        b = self.adapter[f"{place}.lora_B.weight"]
        return y + F.linear(F.linear(x, a.to(x.dtype)) * self.scale, b.to(x.dtype))

    def per_head(self, x):
        return x.unflatten(-1, (self.sizes["heads"], self.sizes["headSize"]))

    def projected(self, x, place, norm):
        return rms_norm(self.per_head(self.linear(x, place)), self.weights[f"{norm}.weight"])

    @torch.no_grad()
    def level(self, sigma):
        """Modulation of every block, and of the output, at one noise level."""
        if sigma in self.levels:
            return self.levels[sigma]
        first = self.weights["img_in.weight"]
        rates = torch.exp(-math.log(10_000) * torch.arange(128, device=first.device, dtype=torch.float32) / 128)
        angles = 1000 * (sigma * rates)
        features = torch.cat([angles.cos(), angles.sin()])[None].to(first.dtype)
        place = "time_text_embed.timestep_embedder.linear_"
        embedded = F.silu(self.linear(F.silu(self.linear(features, f"{place}1")), f"{place}2"))
        names = [f"transformer_blocks.{i}" for i in range(self.sizes["blocks"])]
        blocks = [
            tuple(self.linear(embedded, f"{name}.{stream}_mod.1").unflatten(-1, (6, -1)).unbind(1) for stream in ("txt", "img"))
            for name in names
        ]
        self.levels[sigma] = blocks, self.linear(embedded, "norm_out.linear").chunk(2, -1)
        return self.levels[sigma]

    @torch.no_grad()
    def condition(self, text, references, grids):
        dtype, device = self.weights["txt_norm.weight"].dtype, text.device
        embedded = self.linear(rms_norm(text.to(dtype), self.weights["txt_norm.weight"]), "txt_in")
        angles = rope_angles(grids, text.shape[1], self.sizes["ropeAxes"], device)
        return embedded, self.linear(references.to(dtype), "img_in"), angles

    def mlp(self, x, place):
        return self.linear(F.gelu(self.linear(x, f"{place}.net.0.proj"), approximate="tanh"), f"{place}.net.2")

    def block(self, i, text, image, angles, vectors, keep=None):
        """Both streams; with `keep`, the first image tokens alone."""
        name, count = f"transformer_blocks.{i}", text.shape[1]
        attn = f"{name}.attn"
        (shift_t, scale_t, gate_t, shift2_t, scale2_t, gate2_t), (shift, scale, gate, shift2, scale2, gate2) = vectors
        text_in, image_in = modulated(text, shift_t, scale_t), modulated(image, shift, scale)
        asking = image_in if keep is None else image_in[:, :keep]
        query = self.projected(asking, f"{attn}.to_q", f"{attn}.norm_q")
        if keep is None:
            query = torch.cat([self.projected(text_in, f"{attn}.add_q_proj", f"{attn}.norm_added_q"), query], 1)
        key = torch.cat([self.projected(text_in, f"{attn}.add_k_proj", f"{attn}.norm_added_k"),
                         self.projected(image_in, f"{attn}.to_k", f"{attn}.norm_k")], 1)
        value = self.per_head(torch.cat([self.linear(text_in, f"{attn}.add_v_proj"), self.linear(image_in, f"{attn}.to_v")], 1))
        own = angles if keep is None else angles[count:count + keep]
        parts = [part.transpose(1, 2) for part in (turned(query, own), turned(key, angles), value)]
        mixed = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        if keep is None:
            text = text + gate_t * self.linear(mixed[:, :count], f"{attn}.to_add_out")
            text = text + gate2_t * self.mlp(modulated(text, shift2_t, scale2_t), f"{name}.txt_mlp")
            mixed = mixed[:, count:]
        else:
            image = image[:, :keep]
        image = image + gate * self.linear(mixed, f"{attn}.to_out.0")
        image = image + gate2 * self.mlp(modulated(image, shift2, scale2), f"{name}.img_mlp")
        return text, image

    def velocity(self, latents, sigma, condition):
        """Of packed latents [batch, tokens, numbers], float32."""
        text, references, angles = condition
        vectors, (scale, shift) = self.level(sigma)
        image = torch.cat([self.linear(latents.to(text.dtype), "img_in"), references], 1)
        for i in range(self.sizes["blocks"]):
            keep = latents.shape[1] if i == self.sizes["blocks"] - 1 else None
            if torch.is_grad_enabled():
                text, image = checkpoint(self.block, i, text, image, angles, vectors[i], keep,
                                         use_reentrant=False, preserve_rng_state=False)
            else:
                text, image = self.block(i, text, image, angles, vectors[i], keep)
        return self.linear(modulated(image, shift, scale), "proj_out").float()

    def guided(self, latents, sigma, conditions, scale):
        positive, negative = (self.velocity(latents, sigma, condition) for condition in conditions)
        combined = negative + scale * (positive - negative)
        return combined * (positive.norm(dim=-1, keepdim=True) / combined.norm(dim=-1, keepdim=True))
