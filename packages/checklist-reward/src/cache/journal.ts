import { writeSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JudgeCacheError } from './error.ts';
import { type JournalRecord, readRecord, writeRecord } from './record.ts';

/** An append-only file of records; several processes may write to it. */
export interface Journal {
  /** Calls `take` with every record that was added since the last call, by whichever process. */
  read(take: (record: JournalRecord) => void): Promise<JournalReading>;
  /**
   * Adds a record and resolves once it is on disk. It is handed to the system before this returns, which keeps it when
   * the process is killed; records that come while others are flushed to disk share the next flush.
   *
   * @throws JudgeCacheError when it cannot be written.
   */
  append(record: JournalRecord): Promise<void>;
  /** Waits for what is being written, then closes the file. */
  close(): Promise<void>;
}

/** What {@link Journal.read} met beside whole records. */
export interface JournalReading {
  /** Lines that are not what was written. */
  readonly damaged: number;
  /** Whether the file ends within a record: cut off by a crash, or being written by another process. */
  readonly cut: boolean;
}

/**
 * Opens a journal, made where it is missing.
 *
 * @throws JudgeCacheError when it cannot be opened.
 */
export async function openJournal(path: string): Promise<Journal> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    await flushFolder(dirname(path));
    return new FileJournal(path, file);
  } catch (cause) {
    throw failed(path, 'opened', cause);
  }
}

/** Flushes a folder's entries, so that a new file in it survives a crash of the machine. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

interface Written {
  readonly kept: () => void;
  readonly lost: (error: JudgeCacheError) => void;
}

const newline = 0x0a;

class FileJournal implements Journal {
  private readonly path: string;
  private readonly file: FileHandle;
  /** Bytes up to the end of the last line that was read. */
  private position = 0;
  /** Whether the file may end within a line: the next line then begins a new one. */
  private cut = false;
  private reading: Promise<unknown> = Promise.resolve();
  private written: Written[] = [];
  private flushing: Promise<void> | null = null;

  constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
  }

  read(take: (record: JournalRecord) => void): Promise<JournalReading> {
    const reading = this.reading.then(() => this.readNew(take));
    this.reading = reading.catch(() => {}); // who asked is told; the next one begins where this one did
    return reading;
  }

  append(record: JournalRecord): Promise<void> {
    return new Promise((kept, lost) => {
      const line = writeRecord(record);
      try {
        this.write(line);
        this.written.push({ kept, lost });
        this.flushing ??= this.flush();
      } catch (cause) {
        lost(failed(this.path, `written (${Buffer.byteLength(line)} bytes)`, cause));
      }
    });
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.file.close();
  }

  private async readNew(take: (record: JournalRecord) => void): Promise<JournalReading> {
    const bytes = await this.newBytes();
    const end = bytes.lastIndexOf(newline) + 1;
    let damaged = 0;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const record = readRecord(line);
      if (record !== null) take(record);
      else if (line !== '') damaged += 1;
    }
    this.position += end;
    const cut = end < bytes.length;
    this.cut ||= cut;
    return { damaged, cut };
  }

  private async newBytes(): Promise<Buffer> {
    try {
      const { size } = await this.file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - this.position));
      const { bytesRead } = await this.file.read(bytes, 0, bytes.length, this.position);
      return bytes.subarray(0, bytesRead);
    } catch (cause) {
      throw failed(this.path, 'read', cause);
    }
  }

  /** In one call to the system, which keeps the lines of two processes apart, and before anything else is done. */
  private write(line: string): void {
    const bytes = Buffer.from(this.cut ? `\n${line}` : line);
    this.cut = true;
    const count = writeSync(this.file.fd, bytes);
    if (count < bytes.length) throw new Error(`${count} of ${bytes.length} bytes were taken`);
    this.cut = false;
  }

  private async flush(): Promise<void> {
    while (this.written.length > 0) {
      const batch = this.written;
      this.written = [];
      try {
        await this.file.datasync();
        for (const { kept } of batch) kept();
      } catch (cause) {
        for (const { lost } of batch) lost(failed(this.path, 'flushed', cause));
      }
    }
    this.flushing = null;
  }
}

function failed(path: string, what: string, cause: unknown): JudgeCacheError {
  return new JudgeCacheError({ path, problem: `cannot be ${what}: ${(cause as Error).message}` }, { cause });
}
