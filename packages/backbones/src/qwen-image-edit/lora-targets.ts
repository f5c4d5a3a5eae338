/** The twelve kinds of layers that Flow-GRPO adapts, with rank 64 and alpha 128. */
export const LORA_TARGETS: readonly string[] = [
  'attn.to_q',
  'attn.to_k',
  'attn.to_v',
  'attn.to_out.0',
  'attn.add_q_proj',
  'attn.add_k_proj',
  'attn.add_v_proj',
  'attn.to_add_out',
  'img_mlp.net.0.proj',
  'img_mlp.net.2',
  'txt_mlp.net.0.proj',
  'txt_mlp.net.2',
];
