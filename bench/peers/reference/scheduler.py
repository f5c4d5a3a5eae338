"""Fixtures of the scheduler."""

import math

import numpy
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_shift

from .source import prefixed

RELEASED = {
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "invert_sigmas": False,
    "shift_terminal": 0.02,
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "time_shift_type": "exponential",
    "stochastic_sampling": False,
}
LIGHTNING = {"base_shift": math.log(3), "max_shift": math.log(3), "shift_terminal": None}


def released_scheduler(steps, tokens, **change):
    """A scheduler with the released configuration, set to steps for a number of image tokens, and its shift."""
    scheduler = FlowMatchEulerDiscreteScheduler(**{**RELEASED, **change})
    found = scheduler.config
    mu = calculate_shift(tokens, found.base_image_seq_len, found.max_image_seq_len, found.base_shift, found.max_shift)
    scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 1 / steps, steps), mu=mu)
    return scheduler, mu


def schedules(sizes, source):
    """Noise levels of released and distilled configurations, Euler steps in both precisions, and noised latents."""
    file, outputs, cases = "outputs.safetensors", {}, []
    changes = {"released": {}, "lightning": LIGHTNING}
    for config, (width, height), steps in (
        (name, size, steps) for name in changes for size in sizes["sizes"] for steps in sizes["steps"][name]
    ):
        tokens = (width // 16) * (height // 16)
        scheduler, mu = released_scheduler(steps, tokens, **changes[config])
        name = f"{config}.seq{tokens}.steps{steps}"
        outputs |= {f"{name}.sigmas": scheduler.sigmas, f"{name}.timesteps": scheduler.timesteps}
        case = {
            "name": name,
            "config": config,
            "width": width,
            "height": height,
            "image_seq_len": tokens,
            "steps": steps,
        }
        ends = {"first_sigmas": scheduler.sigmas[:3].tolist(), "last_sigmas": scheduler.sigmas[-3:].tolist()}
        cases.append({**case, "mu": mu, **ends})
    static = FlowMatchEulerDiscreteScheduler(shift=3.0)
    static.set_timesteps(sigmas=numpy.linspace(1.0, 0.1, 10))
    outputs |= {"static_shift3.steps10.sigmas": static.sigmas, "static_shift3.steps10.timesteps": static.timesteps}

    scheduler, shape = released_scheduler(10, 4096)[0], (2, 16, 8)
    outputs["euler.sample0"] = source.normal(file, "euler.sample0", shape)
    for step in range(10):
        name = f"euler.step{step}.model_output"
        outputs[name] = source.normal(file, name, shape)
    for prefix, kind, steps in (("euler", torch.float32, 10), ("euler_bf16", torch.bfloat16, 4)):
        scheduler, x = released_scheduler(10, 4096)[0], outputs["euler.sample0"].to(kind)
        for step in range(steps):
            x = scheduler.step(
                outputs[f"euler.step{step}.model_output"].to(kind), scheduler.timesteps[step], x
            ).prev_sample
            outputs[f"{prefix}.step{step}.prev_sample"] = x.float()
    given = {name: source.normal(file, f"add_noise.{name}", shape) for name in ("latents", "noise")}
    given["timesteps"] = source.take(file, "add_noise.timesteps", lambda: scheduler.timesteps[[2, 7]])
    # Timesteps of another set may be those of this schedule but for the last bit.
    nearest = scheduler.timesteps[(scheduler.timesteps[:, None] - given["timesteps"]).abs().argmin(0)]
    noisy = scheduler.scale_noise(given["latents"], nearest, given["noise"])
    outputs |= prefixed("add_noise.", {**given, "noisy": noisy})
    released = {"_class_name": "FlowMatchEulerDiscreteScheduler", **RELEASED}
    return {
        "config.json": {"released_config": released, "lightning_config": {**RELEASED, **LIGHTNING}, "cases": cases},
        file: outputs,
    }
