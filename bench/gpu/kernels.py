"""The cases of gpu-kernels.ts in PyTorch eager: a JSON request a line on stdin, an answer a line on stdout."""
import json
import sys
import time

import torch
import torch.nn.functional as F


def matmul_case(size, device):
    a, b = (torch.randn(size["width"], size["width"], device=device, dtype=torch.bfloat16) for _ in range(2))
    return lambda: F.linear(a, b)


def attention_case(size, device):
    shape = (1, size["heads"], size["tokens"], size["size"])
    q, k, v, dy = (torch.randn(shape, device=device, dtype=torch.bfloat16) for _ in range(4))
    inputs = [x.requires_grad_() for x in (q, k, v)]
    return lambda: torch.autograd.grad(F.scaled_dot_product_attention(q, k, v), inputs, dy)


def block(x, p, heads):
    batch, tokens, width = x.shape
    normed = F.layer_norm(x, (width,), p["g1"], p["b1"])
    qkv = F.linear(normed, p["qkv"], p["qkvb"]).view(batch, tokens, 3, heads, width // heads)
    q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
    mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
    x = x + F.linear(mixed, p["out"], p["outb"])
    normed = F.layer_norm(x, (width,), p["g2"], p["b2"])
    return x + F.linear(F.gelu(F.linear(normed, p["up"], p["upb"])), p["down"], p["downb"])


def block_case(size, device):
    w = size["width"]
    shapes = dict(g1=(w,), b1=(w,), qkv=(3 * w, w), qkvb=(3 * w,), out=(w, w), outb=(w,), g2=(w,), b2=(w,),
                  up=(4 * w, w), upb=(4 * w,), down=(w, 4 * w), downb=(w,))
    p = {name: (0.02 * torch.randn(shape, device=device)).bfloat16().requires_grad_() for name, shape in shapes.items()}
    x = torch.randn(1, size["tokens"], w, device=device).bfloat16().requires_grad_()
    dy = torch.randn(1, size["tokens"], w, device=device).bfloat16()
    inputs = [x, *p.values()]
    return lambda: torch.autograd.grad(block(x, p, size["heads"]), inputs, dy)


CASES = dict(matmul=matmul_case, attention=attention_case, block=block_case)

for line in sys.stdin:
    request = json.loads(line)
    device = torch.device(request["device"])
    gpu = device.type == "cuda"
    torch.set_num_threads(request["threads"])
    run = CASES[request["name"]](request["size"], device)
    if gpu:
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(request["repeats"]):
        if gpu:
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        run()
        if gpu:
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated(device) if gpu else None
    del run
    if gpu:
        torch.cuda.empty_cache()
    print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)
