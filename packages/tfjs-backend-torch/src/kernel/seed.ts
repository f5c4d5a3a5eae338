/** The two 32-bit halves of a seed of up to 53 bits; fractional seeds keep their fraction's bits. */
export function seedWords(seed: number): [number, number] {
  const whole = Number.isInteger(seed) ? seed : Math.floor(seed * 2 ** 32);
  const low = ((whole % 2 ** 32) + 2 ** 32) % 2 ** 32;
  const high = Math.floor(whole / 2 ** 32);
  return [low, ((high % 2 ** 32) + 2 ** 32) % 2 ** 32];
}
