const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** IEEE half-precision bits of `value`, rounded to nearest even. */
export function toFloat16(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(float[0]!) * 2 ** 24);
  return sign | roundedShift(magnitude - 0x38000000, 13);
}

/** The value of IEEE half-precision bits. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 bits of `value`, rounded to nearest even. */
export function toBfloat16(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  if ((word & 0x7fffffff) > 0x7f800000) return ((word >>> 16) | 0x40) & 0xffff;
  return roundedShift(word, 16) & 0xffff;
}

/** The value of bfloat16 bits. */
export function fromBfloat16(half: number): number {
  bits[0] = half << 16;
  return float[0]!;
}

function roundedShift(word: number, shift: number): number {
  const kept = word >>> shift;
  const rest = word & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
}
