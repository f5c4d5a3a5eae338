/** Where a command writes: `process.stdout` and `process.stderr` fit. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How a command speaks: results on stdout, everything else on stderr; with `json`, one JSON record a line. */
export interface Output {
  readonly json: boolean;
  /** Whether progress can be drawn over itself. */
  readonly live: boolean;
  readonly columns: number;
  /** A result for people; silent with `json`. */
  say(text: string): void;
  /** A word on the side, for people; silent with `json`. */
  note(text: string): void;
  /** Text as it is on stderr; silent with `json`. */
  draw(text: string): void;
  /** A record for machines; silent without `json`. */
  record(value: unknown): void;
}

/** An {@link Output} over two streams. */
export function createOutput(stdout: Stream, stderr: Stream, json: boolean): Output {
  return {
    json,
    live: stderr.isTTY === true && !json,
    columns: stderr.columns ?? 80,
    say: (text) => {
      if (!json) stdout.write(`${text}\n`);
    },
    note: (text) => {
      if (!json) stderr.write(`${text}\n`);
    },
    draw: (text) => {
      if (!json) stderr.write(text);
    },
    record: (value) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}
