import { crc32 } from 'node:zlib';

/** One line of a journal: a key without blanks, and a value of JSON. */
export interface JournalRecord {
  readonly key: string;
  readonly json: string;
}

/** The line of a record, with its checksum in front and its end behind. */
export function writeRecord({ key, json }: JournalRecord): string {
  const body = `${key} ${json}`;
  return `${sumOf(body)} ${body}\n`;
}

/** The record of a line without its end; null where the line is not what was written. */
export function readRecord(line: string): JournalRecord | null {
  const body = line.slice(9);
  const blank = body.indexOf(' ');
  if (blank < 1 || line.slice(0, 9) !== `${sumOf(body)} `) return null;
  return { key: body.slice(0, blank), json: body.slice(blank + 1) };
}

function sumOf(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
