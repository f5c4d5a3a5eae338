/** Scores in percent by name. */
type Scores = Readonly<Record<string, number>>;

/**
 * Rows of scores as aligned lines.
 *
 * @example
 * scoreLines({ id: { if: 74, strict: 42.3 } }); // ['id  if 74.0  strict 42.3']
 */
export function scoreLines(rows: Readonly<Record<string, object>>): readonly string[] {
  const width = Math.max(0, ...Object.keys(rows).map((name) => name.length));
  return Object.entries(rows).map(([name, scores]) => {
    const cells = Object.entries(scores as Scores).map(([score, value]) => `${score} ${value.toFixed(1)}`);
    return `${name.padEnd(width)}  ${cells.join('  ')}`;
  });
}

/** Shares in [0, 1] as percent. */
export function inPercent(scores: Scores): Scores {
  return Object.fromEntries(Object.entries(scores).map(([name, value]) => [name, 100 * value]));
}
