/**
 * A picture: RGB, interleaved, row-major, values in [0, 1]; `data.length === width * height * 3`.
 *
 * @example
 * const grey: Image = { width: 2, height: 1, data: new Float32Array(6).fill(0.5) };
 */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}
