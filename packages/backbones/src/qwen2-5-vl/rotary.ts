/** The frequencies of `size / 2` pairs of features in float32: `theta^(-2 k / size)`. */
export function frequencies(size: number, theta: number): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, k) => 1 / Math.fround(theta ** ((2 * k) / size)));
}

/** Cosines and sines of float32 angles, as {@link rotaryEmbedding} of nn takes them. */
export function turns(angles: Float32Array): { readonly cosine: Float32Array; readonly sine: Float32Array } {
  return { cosine: angles.map(Math.cos), sine: angles.map(Math.sin) };
}
