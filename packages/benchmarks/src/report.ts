/** A row of a report's table; null is an empty cell. */
export interface ReportRow {
  readonly name: string;
  readonly cells: readonly (number | null)[];
  /** Where a published row comes from, and what is to know about it. */
  readonly note?: string;
}

/** A table of figures. */
export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** Columns that hold counts, and are written without decimals. */
  readonly counts?: readonly string[];
  readonly rows: readonly ReportRow[];
}

/** What a run over a benchmark came to; JSON as it stands. */
export interface BenchmarkReport {
  readonly title: string;
  /** What was run: editor, judge, prompts, every switch. */
  readonly facts: Readonly<Record<string, string>>;
  /** Why its figures must not be set beside published ones; empty where they may. */
  readonly notComparable: readonly string[];
  readonly tables: readonly ReportTable[];
  /** Samples that are missing from the figures, and other things to know. */
  readonly notes: readonly string[];
}

/** The cells of a row as text: figures with two decimals, counts without, a dash where nothing is. */
export function cellTexts({ columns, counts = [] }: ReportTable, { cells }: ReportRow): readonly string[] {
  return cells.map((value, index) =>
    value === null ? '-' : value.toFixed(counts.includes(columns[index]!) ? 0 : 2),
  );
}

/** The verdict on comparability in one sentence. */
export function comparabilityOf({ notComparable }: BenchmarkReport): string {
  return notComparable.length === 0
    ? 'Comparable with the published rows that share its switches.'
    : `NOT COMPARABLE with published numbers: ${notComparable.join('; ')}.`;
}
