"""One transformer block, forward and backward, in PyTorch eager: prints a JSON line of times in milliseconds per request.

Reads lines "batch tokens width heads repeats threads" from stdin.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F


def block(x, p, heads):
    batch, tokens, width = x.shape
    normed = F.layer_norm(x, (width,), p["g1"], p["b1"])
    qkv = F.linear(normed, p["qkv"], p["qkvb"]).view(batch, tokens, 3, heads, width // heads)
    q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
    if hasattr(F, "scaled_dot_product_attention"):
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()
        scores = (q @ k.transpose(-1, -2)) * (width // heads) ** -0.5
        attended = scores.masked_fill(~mask, float("-inf")).softmax(-1) @ v
    x = x + F.linear(attended.transpose(1, 2).reshape(batch, tokens, width), p["out"], p["outb"])
    normed = F.layer_norm(x, (width,), p["g2"], p["b2"])
    return x + F.linear(F.gelu(F.linear(normed, p["up"], p["upb"])), p["down"], p["downb"])


def parameters(width):
    shapes = dict(g1=(width,), b1=(width,), qkv=(3 * width, width), qkvb=(3 * width,), out=(width, width), outb=(width,),
                  g2=(width,), b2=(width,), up=(4 * width, width), upb=(4 * width,), down=(width, 4 * width), downb=(width,))
    return {name: (torch.randn(shape) * 0.02).requires_grad_() for name, shape in shapes.items()}


for line in sys.stdin:
    batch, tokens, width, heads, repeats, threads = map(int, line.split())
    torch.set_num_threads(threads)
    p = parameters(width)
    x = torch.randn(batch, tokens, width)
    times, work = [], []
    for _ in range(repeats):
        start, busy = time.perf_counter(), time.process_time()
        loss = block(x, p, heads).square().mean()
        torch.autograd.grad(loss, list(p.values()))
        times.append((time.perf_counter() - start) * 1e3)
        work.append((time.process_time() - busy) * 1e3)
    print(json.dumps({"wall": times, "cpu": work}), flush=True)
