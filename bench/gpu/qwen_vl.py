"""Qwen2.5-VL in plain PyTorch: vision tower, language model with a cache of keys and values; weights by name."""
import torch
import torch.nn.functional as F

from qwen_image import rms_norm


def attend(query, key, value, causal=False):
    """[batch, tokens, heads, size] each; fewer heads of keys and values are shared."""
    parts = [part.transpose(1, 2) for part in (query, key, value)]
    grouped = query.shape[2] != key.shape[2]
    return F.scaled_dot_product_attention(*parts, is_causal=causal, enable_gqa=grouped).transpose(1, 2)


def turned(x, cosine, sine):
    """Turns features (i, i + size / 2) of x [..., tokens, heads, size]."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


class QwenVl:
    def __init__(self, sizes, weights):
        self.vision, self.language, self.weights = sizes["vision"], sizes["language"], weights

    def linear(self, x, place):
        return F.linear(x, self.weights[f"{place}.weight"], self.weights.get(f"{place}.bias"))

    def norm(self, x, place, epsilon=1e-6):
        return rms_norm(x, self.weights[f"{place}.weight"], epsilon)

    def feed_forward(self, x, place):
        return self.linear(F.silu(self.linear(x, f"{place}.gate_proj")) * self.linear(x, f"{place}.up_proj"), f"{place}.down_proj")

    def layout(self, rows, columns, device):
        """Order of merged cells by windows, windows as patches of equal numbers, and the angles of patches in that order."""
        merge, size = self.vision["merge"], self.vision["width"] // self.vision["heads"]
        cells = torch.arange(rows // merge * (columns // merge)).view(rows // merge, columns // merge)
        side = self.vision["window"] // merge // self.vision["patch"]
        windows = [part.flatten() for band in cells.split(side, 0) for part in band.split(side, 1)]
        order = torch.cat(windows)
        inside = torch.cartesian_prod(torch.arange(merge), torch.arange(merge))
        corner = torch.stack([order // (columns // merge), order % (columns // merge)], 1) * merge
        places = (corner[:, None] + inside[None]).reshape(-1, 2).float()
        rates = 10_000 ** -(torch.arange(0, size // 2, 2).float() / (size // 2))
        angles = (places[:, :, None] * rates).flatten(1)[:, None]
        patches = (order[:, None] * merge**2 + torch.arange(merge**2)).flatten()
        groups, start = {}, 0
        for window in windows:
            count = len(window) * merge**2
            groups.setdefault(count, []).append(torch.arange(start, start + count))
            start += count
        groups = [torch.stack(group).to(device) for group in groups.values()]
        return patches.to(device), order.argsort().to(device), groups, angles.cos().to(device), angles.sin().to(device)

    def pictures(self, patches, rows, columns):
        """Tokens [cells, width] of one picture's patches."""
        weight = self.weights["model.visual.patch_embed.proj.weight"]
        order, back, windows, cosine, sine = self.layout(rows, columns, patches.device)
        x = F.linear(patches.to(weight.dtype), weight.flatten(1))[order]
        for i in range(self.vision["depth"]):
            name = f"model.visual.blocks.{i}"
            joint = self.linear(self.norm(x, f"{name}.norm1"), f"{name}.attn.qkv")
            query, key, value = joint.unflatten(-1, (3, self.vision["heads"], -1)).unbind(1)
            query, key = (turned(part.float(), cosine, sine).to(x.dtype) for part in (query, key))
            if i in self.vision["fullAttention"]:
                mixed = attend(query[None], key[None], value[None])[0]
            else:
                mixed = torch.empty_like(value)
                for window in windows:
                    mixed[window] = attend(query[window], key[window], value[window])
            x = x + self.linear(mixed.flatten(1), f"{name}.attn.proj")
            x = x + self.feed_forward(self.norm(x, f"{name}.norm2"), f"{name}.mlp")
        joined = self.norm(x, "model.visual.merger.ln_q").reshape(back.shape[0], -1)
        return self.linear(F.gelu(self.linear(joined, "model.visual.merger.mlp.0")), "model.visual.merger.mlp.2")[back]

    def embed(self, ids, patches=None, rows=0, columns=0, places=None):
        x = F.embedding(ids, self.weights["model.language_model.embed_tokens.weight"])
        if patches is not None:
            x[places] = self.pictures(patches, rows, columns)
        return x[None]

    def tables(self, positions, dtype):
        """Cosines and sines [tokens, 1, size / 2] of positions [3, tokens]."""
        size, device = self.language["headSize"], positions.device
        rates = self.language["theta"] ** -(torch.arange(0, size, 2, device=device).float() / size)
        axes = torch.repeat_interleave(torch.arange(3, device=device), torch.tensor(self.language["sections"], device=device),
                                       output_size=size // 2)
        angles = (positions.float()[axes].T * rates)[:, None]
        return angles.cos().to(dtype), angles.sin().to(dtype)

    def states(self, x, positions, cache=None, start=0):
        """States after the last norm of embedded tokens; keys and values go into the cache from `start` on."""
        cosine, sine = self.tables(positions, x.dtype)
        end = start + x.shape[1]
        for i in range(self.language["layers"]):
            name = f"model.language_model.layers.{i}"
            normed = self.norm(x, f"{name}.input_layernorm", self.language["epsilon"])
            query, key, value = (
                self.linear(normed, f"{name}.self_attn.{part}_proj").unflatten(-1, (-1, self.language["headSize"])) for part in "qkv"
            )
            query, key = turned(query, cosine, sine), turned(key, cosine, sine)
            if cache is not None:
                cache[i][0][:, start:end], cache[i][1][:, start:end] = key, value
                key, value = cache[i][0][:, :end], cache[i][1][:, :end]
            mixed = attend(query, key, value, causal=x.shape[1] > 1)
            x = x + self.linear(mixed.flatten(2), f"{name}.self_attn.o_proj")
            x = x + self.feed_forward(self.norm(x, f"{name}.post_attention_layernorm", self.language["epsilon"]), f"{name}.mlp")
        return self.norm(x, "model.language_model.norm", self.language["epsilon"])
