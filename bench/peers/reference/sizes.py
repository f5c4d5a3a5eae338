"""Sizes of the tiny models and cases of the fixtures: those of the reference fixtures, and others."""

LATENT_MEAN = [-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508]
LATENT_STD = [2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743]


def vl_config(text, vision, tokens):
    """A config.json with the text fields at the top level, as the released one has them."""
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "tie_word_embeddings": False,
        **{name: value for name, value in text.items() if name != "mrope_section"},
        "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": text["mrope_section"]},
        **{f"{name}_token_id": token for name, token in tokens.items()},
        "vision_config": {
            "hidden_act": "silu",
            "in_channels": 3,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "out_hidden_size": text["hidden_size"],
            **vision,
        },
    }


def vae_config(base, channels):
    """A config.json with the topology of the released one."""
    return {
        "_class_name": "AutoencoderKLQwenImage",
        "base_dim": base,
        "z_dim": channels,
        "dim_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_scales": [],
        "temperal_downsample": [False, True, True],
        "dropout": 0.0,
        "input_channels": 3,
        "latents_mean": LATENT_MEAN[:channels],
        "latents_std": LATENT_STD[:channels],
    }


def transformer_config(channels, layers, heads, axes, joint):
    """A config.json of a transformer on latents of `channels` channels in patches of 2 x 2."""
    return {
        "patch_size": 2,
        "in_channels": 4 * channels,
        "out_channels": channels,
        "num_layers": layers,
        "attention_head_dim": sum(axes),
        "num_attention_heads": heads,
        "joint_attention_dim": joint,
        "guidance_embeds": False,
        "axes_dims_rope": axes,
    }


SIZES = {
    "same": {
        "qwen_image_transformer": {
            "config": transformer_config(channels=4, layers=2, heads=3, axes=[4, 6, 6], joint=24),
            "edit": [[1, 4, 6], [1, 5, 3], [1, 2, 4]],
            "text": 9,
            "sigma": 0.7331,
            "batch": [1, 4, 4],
            "batch_sigmas": [0.25, 0.9375],
            "masks": {
                "masked_batch": [[1] * 9, [1] * 5 + [0] * 4],
                "sparse_mask": [[1] * 9, [0, 1, 1, 0, 1, 1, 1, 0, 1]],
            },
            "lora": [4, 8],
        },
        "qwen2_5_vl": {
            "config": vl_config(
                {
                    "vocab_size": 160,
                    "hidden_size": 64,
                    "intermediate_size": 96,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 4,
                    "num_key_value_heads": 2,
                    "mrope_section": [2, 3, 3],
                },
                {
                    "depth": 4,
                    "hidden_size": 32,
                    "intermediate_size": 48,
                    "num_heads": 2,
                    "patch_size": 4,
                    "window_size": 16,
                    "fullatt_block_indexes": [1, 3],
                },
                {
                    "image": 151,
                    "video": 152,
                    "vision_start": 149,
                    "vision_end": 150,
                    "pad": 153,
                    "im_start": 154,
                    "im_end": 155,
                },
            ),
            "grids": {
                "vis_two_images": [[1, 6, 10], [1, 4, 4]],
                "vis_one": [[1, 8, 8]],
                "vis_video_t2": [[2, 4, 6]],
            },
            "prompt": [
                154,
                10,
                11,
                12,
                155,
                13,
                154,
                14,
                20,
                21,
                [15],
                22,
                23,
                [4],
                30,
                31,
                32,
                33,
                155,
                13,
                154,
                15,
                13,
            ],
            "short_prompt": [154, 10, 11, 155, 13, [4], 40, 41, 155],
            "short_grid": [1, 4, 4],
            "text_prompt": [154, 10, 11, 12, 155, 13, 14, 15],
            "lora": [4, 8],
            "advantage": 0.8,
        },
        "qwen_image_vae": {
            "config": vae_config(base=4, channels=4),
            "pixels": [32, 48],
            "batch": [16, 16],
            "tiled": [48, 56],
            "tile": {"tile_sample_min": 32, "tile_sample_stride": 24},
        },
        "pipeline_edit_plus_tiny": {
            "config": transformer_config(channels=4, layers=2, heads=3, axes=[4, 6, 6], joint=64),
            "drop": 6,
            "size": [32, 48],
            "references": [[32, 48], [48, 32]],
            "grids": [[1, 6, 10], [1, 4, 4]],
            "start": [154, 10, 11, 12, 154, 13],
            "end": [155, 13, 154, 15, 13],
            "positive": [30, 31, 32, 33],
            "negative": [5],
            "steps": 5,
            "scale": 4.0,
            "noise_level": 0.9,
            "window": [0, 4],
        },
        "qwen_image_rope": {
            "single": [64, 64, 12, [0, 1, 63, 64, 2015, 2080, 4095]],
            "edit": [[[1, 4, 6], [1, 5, 3], [1, 2, 4]], 9],
            "tall": [7, 2, 5],
            "levels": [1.0, 0.9375, 0.7331, 0.5, 0.02, 0.0],
        },
        "qwen2_5_vl_rope": {
            "positions": [[0, 1, 63, 63, 63, 200], [0, 1, 63, 70, 81, 200], [0, 1, 63, 65, 99, 200]],
            "grids": {"a": [[1, 20, 36]], "b": [[1, 28, 28], [1, 22, 32]]},
        },
        "scheduler": {
            "sizes": [[512, 512], [1024, 1024], [1328, 1328], [1664, 928], [1184, 880], [2048, 2048]],
            "steps": {"released": [4, 10, 20, 40, 50], "lightning": [4, 8]},
        },
        "pipeline": {"pack": [4, 4, 6]},
        "image_preprocess": {
            "src": [37, 53],
            "sizes": [[64, 32], [32, 32], [96, 64], [53, 20]],
            "vl": [61, 75],
        },
    },
    "other": {
        "qwen_image_transformer": {
            "config": transformer_config(channels=8, layers=3, heads=2, axes=[4, 8, 12], joint=40),
            "edit": [[1, 5, 3], [1, 2, 7], [1, 6, 2]],
            "text": 12,
            "sigma": 0.4162,
            "batch": [1, 3, 5],
            "batch_sigmas": [0.8125, 0.125],
            "masks": {
                "masked_batch": [[1] * 12, [1] * 4 + [0] * 8],
                "sparse_mask": [[0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1], [1] * 12],
            },
            "lora": [3, 9],
        },
        "qwen2_5_vl": {
            "config": vl_config(
                {
                    "vocab_size": 200,
                    "hidden_size": 72,
                    "intermediate_size": 80,
                    "num_hidden_layers": 3,
                    "num_attention_heads": 6,
                    "num_key_value_heads": 3,
                    "mrope_section": [1, 2, 3],
                },
                {
                    "depth": 3,
                    "hidden_size": 36,
                    "intermediate_size": 52,
                    "num_heads": 3,
                    "patch_size": 6,
                    "window_size": 36,
                    "fullatt_block_indexes": [2],
                },
                {
                    "image": 163,
                    "video": 164,
                    "vision_start": 188,
                    "vision_end": 189,
                    "pad": 161,
                    "im_start": 170,
                    "im_end": 171,
                },
            ),
            "grids": {
                "vis_two_images": [[1, 8, 6], [1, 4, 10]],
                "vis_one": [[1, 6, 14]],
                "vis_video_t2": [[2, 8, 4]],
            },
            "prompt": [170, 50, 51, 171, 52, 170, 53, [12], 60, 61, 62, [10], 70, 71, 72, 73, 74, 171, 52, 170, 54, 52],
            "short_prompt": [170, 50, 51, 52, 171, [6], 80, 171],
            "short_grid": [1, 6, 4],
            "text_prompt": [170, 50, 51, 171, 52, 90, 91, 92, 93, 94],
            "lora": [3, 9],
            "advantage": -0.6,
        },
        "qwen_image_vae": {
            "config": vae_config(base=6, channels=8),
            "pixels": [64, 48],
            "batch": [24, 16],
            "tiled": [56, 72],
            "tile": {"tile_sample_min": 40, "tile_sample_stride": 24},
        },
        "pipeline_edit_plus_tiny": {
            "config": transformer_config(channels=8, layers=3, heads=2, axes=[4, 8, 12], joint=72),
            "drop": 4,
            "size": [48, 32],
            "references": [[48, 32], [32, 64]],
            "grids": [[1, 8, 6], [1, 4, 6]],
            "start": [170, 50, 170, 52],
            "end": [171, 52, 170, 54, 52],
            "positive": [70, 71, 72, 73, 74, 75],
            "negative": [9],
            "steps": 4,
            "scale": 2.5,
            "noise_level": 0.7,
            "window": [1, 3],
        },
        "qwen_image_rope": {
            "single": [48, 80, 7, [0, 1, 79, 80, 1999, 3000, 3839]],
            "edit": [[[1, 5, 3], [1, 2, 7], [1, 6, 2]], 12],
            "tall": [9, 4, 6],
            "levels": [0.99, 0.8125, 0.4162, 0.25, 0.03, 0.001],
        },
        "qwen2_5_vl_rope": {
            "positions": [[0, 2, 40, 40, 41, 300], [0, 2, 41, 55, 97, 300], [0, 2, 43, 60, 71, 300]],
            "grids": {"a": [[1, 26, 30]], "b": [[1, 18, 40], [1, 24, 24]]},
        },
        "scheduler": {
            "sizes": [[768, 512], [1024, 1024], [1056, 992]],
            "steps": {"released": [3, 10, 28], "lightning": [4, 6]},
        },
        "pipeline": {"pack": [8, 6, 4]},
        "image_preprocess": {
            "src": [45, 31],
            "sizes": [[32, 64], [48, 48], [64, 96], [31, 17]],
            "vl": [90, 47],
        },
    },
}
