/** Plain float64 definitions of the fused kernels, over flat row-major lists. */

type Row = readonly number[];

/** Cuts a list into rows of `width`. */
export function rowsOf(list: Row, width: number): number[][] {
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

/** What is added to the score of source s for target t of (batch, head): -Infinity where it may not be seen. */
export type Added = (batch: number, head: number, target: number, source: number) => number;

/** Attention by its definition; a target that sees nothing gives zeros. */
export function attention(
  q: Row,
  k: Row,
  v: Row,
  sizes: AttentionSizes,
  scale: number,
  added: Added,
): number[] {
  const { batch, targets, sources, heads, keyHeads, width } = sizes;
  const out: number[] = new Array(batch * targets * heads * width).fill(0);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < targets; t++) {
      for (let h = 0; h < heads; h++) {
        const keyHead = Math.floor((h * keyHeads) / heads);
        const from = ((b * targets + t) * heads + h) * width;
        const at = (s: number) => ((b * sources + s) * keyHeads + keyHead) * width;
        const seen = Array.from({ length: sources }, (_, s) => s).filter(
          (s) => added(b, h, t, s) > -Infinity,
        );
        const scores = seen.map((s) => {
          let dot = 0;
          for (let i = 0; i < width; i++) dot += q[from + i]! * k[at(s) + i]!;
          return dot * scale + added(b, h, t, s);
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

/** x / (1 + e^-x). */
export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** Pairs of x `[batch, tokens, heads, size]` turned by angles `[batch, tokens, size / 2]`. */
export function rotary(
  x: Row,
  angles: Row,
  { heads, size, interleaved }: { heads: number; size: number; interleaved: boolean },
): number[] {
  const half = size / 2;
  return rowsOf(x, size).flatMap((row, i) => {
    const turn = angles.slice(Math.floor(i / heads) * half, (Math.floor(i / heads) + 1) * half);
    const y = [...row];
    turn.forEach((angle, pair) => {
      const [first, second] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half];
      y[first] = row[first]! * Math.cos(angle) - row[second]! * Math.sin(angle);
      y[second] = row[first]! * Math.sin(angle) + row[second]! * Math.cos(angle);
    });
    return y;
  });
}

/** Group norm of x `[batch, places, channels]`. */
export function groupNorm(
  x: Row,
  affine: { gain: Row | undefined; bias: Row | undefined },
  sizes: { places: number; channels: number; groups: number; epsilon: number },
): number[] {
  const { places, channels, groups, epsilon } = sizes;
  const share = channels / groups;
  return rowsOf(x, places * channels).flatMap((image) => {
    const scales = Array.from({ length: groups }, (_, g) => {
      const own = image.filter((_, i) => Math.floor((i % channels) / share) === g);
      const mean = own.reduce((a, b) => a + b, 0) / own.length;
      const variance = own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length;
      return { mean, factor: 1 / Math.sqrt(variance + epsilon) };
    });
    return image.map((value, i) => {
      const c = i % channels;
      const { mean, factor } = scales[Math.floor(c / share)]!;
      return (value - mean) * factor * (affine.gain?.[c] ?? 1) + (affine.bias?.[c] ?? 0);
    });
  });
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

/** Sizes of a transformer block. */
export interface BlockSizes {
  readonly batch: number;
  readonly tokens: number;
  readonly past: number;
  readonly targets: number;
  readonly heads: number;
  readonly size: number;
  readonly epsilon: number;
}

/** A pre-norm transformer block by its definition; absent inputs are left out of `x`. */
export function block(x: Readonly<Record<string, Row>>, sizes: BlockSizes, added: Added): number[] {
  const { batch, tokens, past, targets, heads, size, epsilon } = sizes;
  const width = heads * size;
  const lastOf = (list: Row, perBatch: number) =>
    rowsOf(list, perBatch * width).flatMap((rows) => rows.slice((perBatch - targets) * width));
  const gated = (list: Row, gate: Row | undefined) =>
    list.map((value, i) => value * (gate?.[i % width] ?? 1));
  const plus = (a: Row, b: Row) => a.map((value, i) => value + b[i]!);
  const normed = layerNorm(x.x!, width, x.attentionGain, x.attentionBias, epsilon);
  const joint = rowsOf(linear(normed, x.qkvWeight!, x.qkvBias, width), 3 * width);
  const part = (i: number) => joint.flatMap((row) => row.slice(i * width, (i + 1) * width));
  const withPast = (before: Row | undefined, own: Row) =>
    rowsOf(own, tokens * width).flatMap((rows, b) => [
      ...(before ?? []).slice(b * past * width, (b + 1) * past * width),
      ...rows,
    ]);
  const mixed = attention(
    lastOf(part(0), tokens),
    withPast(x.pastKey, part(1)),
    withPast(x.pastValue, part(2)),
    { batch, targets, sources: past + tokens, heads, keyHeads: heads, width: size },
    1 / Math.sqrt(size),
    added,
  );
  const output = linear(mixed, x.outputWeight!, x.outputBias, width);
  const attended = plus(lastOf(x.x!, tokens), gated(output, x.attentionGate));
  const inner = linear(
    layerNorm(attended, width, x.forwardGain, x.forwardBias, epsilon),
    x.upWeight!,
    x.upBias,
    width,
  ).map((value) => gelu(value, 'none'));
  const down = linear(inner, x.downWeight!, x.downBias, x.upWeight!.length / width);
  return plus(attended, gated(down, x.forwardGate));
}
