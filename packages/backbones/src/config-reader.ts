import { asObject, type FolderErrorClass } from './json-file.ts';

/** A JSON object whose fields are taken one by one; what is left over at the end is refused. */
export class ConfigReader {
  private readonly path: string;
  private readonly fields: Map<string, unknown>;
  private readonly FolderError: FolderErrorClass;

  /** Whatever is wrong is thrown as `FolderError`, with the path; so is `json` unless it is an object. */
  constructor(path: string, json: unknown, FolderError: FolderErrorClass) {
    this.path = path;
    this.fields = new Map(Object.entries(asObject(path, json, FolderError)));
    this.FolderError = FolderError;
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return this.fields.get(name) != null;
  }

  /** The fields of an object inside this one; of `fallback` where there is none. */
  inside(name: string, fallback?: object): ConfigReader {
    return new ConfigReader(`${this.path} ${name}`, this.take(name, fallback), this.FolderError);
  }

  /** A positive integer; `fallback` where there is none. */
  size(name: string, fallback?: number): number {
    const value = this.take(name, fallback);
    if (Number.isInteger(value) && (value as number) > 0) return value as number;
    return this.refuse(name, value, 'a positive integer');
  }

  /** A list of finite numbers; `fallback` where there is none. */
  numbers(name: string, fallback?: readonly number[]): readonly number[] {
    const value = this.take(name, fallback);
    if (Array.isArray(value) && value.every((item) => Number.isFinite(item))) return value;
    return this.refuse(name, value, 'a list of numbers');
  }

  /** A list of whole numbers from 0. */
  wholes(name: string): readonly number[] {
    const value = this.take(name);
    if (Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0)) return value;
    return this.refuse(name, value, 'a list of whole numbers');
  }

  /** A finite number; `fallback` where there is none. */
  number(name: string, fallback?: number): number {
    const value = this.take(name, fallback);
    if (Number.isFinite(value)) return value as number;
    return this.refuse(name, value, 'a number');
  }

  /** A positive number. */
  positive(name: string): number {
    const value = this.number(name);
    return value > 0 ? value : this.refuse(name, value, 'a positive number');
  }

  /** True or false; `fallback` where there is neither. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.take(name, fallback);
    if (typeof value === 'boolean') return value;
    return this.refuse(name, value, 'true or false');
  }

  /** A text; `fallback` where there is none. */
  text(name: string, fallback?: string): string {
    const value = this.take(name, fallback);
    if (typeof value === 'string') return value;
    return this.refuse(name, value, 'a text');
  }

  /** Throws unless the field is absent or has exactly this value. */
  expect(name: string, expected: unknown): void {
    const value = this.take(name, expected);
    if (JSON.stringify(value) !== JSON.stringify(expected))
      this.refuse(name, value, `${JSON.stringify(expected)}, all that is built here`);
  }

  /** Passes over fields that change nothing. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.fields.delete(name);
  }

  /**
   * Throws for fields that nobody took, unless they begin with `_` or are switched off: an architecture flag that is not
   * known would give wrong numbers without an error. `fix` says what to do where it does no harm.
   */
  finish(fix = ''): void {
    for (const [name, value] of this.fields)
      if (!name.startsWith('_') && value !== false && value !== null)
        throw new this.FolderError(
          this.path,
          `the field ${name} (${JSON.stringify(value)}) is not known and may change what is computed${fix}`,
        );
  }

  /** Throws for the value of a field, saying what was expected. */
  refuse(name: string, value: unknown, expected: string): never {
    throw new this.FolderError(this.path, `${name} is ${JSON.stringify(value)}, expected ${expected}`);
  }

  private take(name: string, fallback?: unknown): unknown {
    const value = this.fields.get(name);
    this.fields.delete(name);
    return value ?? fallback;
  }
}
