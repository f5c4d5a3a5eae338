/** Plain float64 definitions of the fused kernels, over flat row-major lists. */

type Row = readonly number[];

/** Cuts a list into rows of `width`. */
function rowsOf(list: Row, width: number): number[][] {
  return Array.from({ length: list.length / width }, (_, i) => list.slice(i * width, (i + 1) * width));
}

/** x `[rows, inputs]` times weight `[outputs, inputs]` transposed, plus bias. */
export function linear(x: Row, weight: Row, bias: Row | undefined, inputs: number): number[] {
  const table = rowsOf(weight, inputs);
  return rowsOf(x, inputs).flatMap((row) =>
    table.map((w, o) => w.reduce((sum, value, i) => sum + value * row[i]!, bias?.[o] ?? 0)),
  );
}

/** Layer norm of each row. */
export function layerNorm(
  x: Row,
  width: number,
  gain: Row | undefined,
  bias: Row | undefined,
  epsilon: number,
): number[] {
  return rowsOf(x, width).flatMap((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    return row.map(
      (value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * (gain?.[i] ?? 1) + (bias?.[i] ?? 0),
    );
  });
}

/** RMS norm of each row. */
export function rmsNorm(x: Row, width: number, gain: Row, epsilon: number): number[] {
  return rowsOf(x, width).flatMap((row) => {
    const power = row.reduce((sum, value) => sum + value * value, 0) / width;
    return row.map((value, i) => (value / Math.sqrt(power + epsilon)) * gain[i]!);
  });
}

/** Sizes of an attention problem; key heads divide the query heads. */
export interface AttentionSizes {
  readonly batch: number;
  readonly targets: number;
  readonly sources: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly width: number;
}

/** Whether target t of (batch, head) may see source s. */
export type Visible = (batch: number, head: number, target: number, source: number) => boolean;

/** Attention by its definition; a target that sees nothing gives zeros. */
export function attention(
  q: Row,
  k: Row,
  v: Row,
  sizes: AttentionSizes,
  scale: number,
  visible: Visible,
): number[] {
  const { batch, targets, sources, heads, keyHeads, width } = sizes;
  const out: number[] = new Array(batch * targets * heads * width).fill(0);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < targets; t++) {
      for (let h = 0; h < heads; h++) {
        const keyHead = Math.floor((h * keyHeads) / heads);
        const from = ((b * targets + t) * heads + h) * width;
        const at = (s: number) => ((b * sources + s) * keyHeads + keyHead) * width;
        const seen = Array.from({ length: sources }, (_, s) => s).filter((s) => visible(b, h, t, s));
        const scores = seen.map((s) => {
          let dot = 0;
          for (let i = 0; i < width; i++) dot += q[from + i]! * k[at(s) + i]!;
          return dot * scale;
        });
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((a, w) => a + w, 0);
        seen.forEach((s, j) => {
          for (let i = 0; i < width; i++) out[from + i]! += (weights[j]! / total) * v[at(s) + i]!;
        });
      }
    }
  }
  return out;
}

/** erf by its power series, which converges everywhere. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
    if (n > 200) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** x Phi(x), exactly or by the tanh approximation. */
export function gelu(x: number, approximate: 'none' | 'tanh'): number {
  if (approximate === 'none') return 0.5 * x * (1 + erf(x / Math.SQRT2));
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Log-probability of the chosen entry and entropy, per row. */
export function tokenLogProb(logits: Row, width: number, ids: Row): { logProb: number[]; entropy: number[] } {
  const parts = rowsOf(logits, width).map((row, i) => {
    const top = Math.max(...row);
    const sum = row.reduce((a, x) => a + Math.exp(x - top), 0);
    const logs = row.map((x) => x - top - Math.log(sum));
    return { logProb: logs[ids[i]!]!, entropy: -logs.reduce((a, l) => a + Math.exp(l) * l, 0) };
  });
  return { logProb: parts.map((part) => part.logProb), entropy: parts.map((part) => part.entropy) };
}
