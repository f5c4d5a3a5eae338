import { QwenImageFolderError } from './error.ts';

/** A JSON object whose fields are taken one by one; what is left over at the end is refused. */
export class ConfigReader {
  private readonly path: string;
  private readonly fields: Map<string, unknown>;

  /** Throws {@link QwenImageFolderError} unless `json` is an object. */
  constructor(path: string, json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new QwenImageFolderError(path, 'the configuration is not an object');
    this.path = path;
    this.fields = new Map(Object.entries(json));
  }

  /** A positive integer; `fallback` where there is none. */
  size(name: string, fallback?: number): number {
    const value = this.take(name, fallback);
    if (Number.isInteger(value) && (value as number) > 0) return value as number;
    throw this.wrong(name, value, 'a positive integer');
  }

  /** A list of finite numbers. */
  numbers(name: string): readonly number[] {
    const value = this.take(name);
    if (Array.isArray(value) && value.every((item) => Number.isFinite(item))) return value;
    throw this.wrong(name, value, 'a list of numbers');
  }

  /** A finite number; `fallback` where there is none. */
  number(name: string, fallback?: number): number {
    const value = this.take(name, fallback);
    if (Number.isFinite(value)) return value as number;
    throw this.wrong(name, value, 'a number');
  }

  /** True or false; `fallback` where there is neither. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.take(name, fallback);
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, value, 'true or false');
  }

  /** A text; `fallback` where there is none. */
  text(name: string, fallback?: string): string {
    const value = this.take(name, fallback);
    if (typeof value === 'string') return value;
    throw this.wrong(name, value, 'a text');
  }

  /** Throws unless the field is absent or has exactly this value. */
  expect(name: string, expected: unknown): void {
    const value = this.take(name, expected);
    if (JSON.stringify(value) !== JSON.stringify(expected))
      throw this.wrong(name, value, `${JSON.stringify(expected)}, all that is built here`);
  }

  /** Passes over fields that change nothing. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.fields.delete(name);
  }

  /**
   * Throws for fields that nobody took, unless they begin with `_` or are switched off: an architecture flag that is not
   * known would give wrong pictures without an error.
   */
  finish(): void {
    for (const [name, value] of this.fields)
      if (!name.startsWith('_') && value !== false && value !== null)
        throw new QwenImageFolderError(
          this.path,
          `the flag ${name} (${JSON.stringify(value)}) is not known, and leaving it out would change the pictures`,
        );
  }

  private take(name: string, fallback?: unknown): unknown {
    const value = this.fields.get(name);
    this.fields.delete(name);
    return value ?? fallback;
  }

  private wrong(name: string, value: unknown, expected: string): QwenImageFolderError {
    return new QwenImageFolderError(this.path, `${name} is ${JSON.stringify(value)}, expected ${expected}`);
  }
}
