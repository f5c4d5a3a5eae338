/** What one accelerator and its links can do. Rates are what a program reaches, not what a data sheet says. */
export interface Cluster {
  /** FLOP/s of the blocks in bf16. */
  readonly flops: number;
  /** Bytes/s of memory: what decoding a token is bound by. */
  readonly memory: number;
  readonly memoryBytes: number;
  /** Bytes/s into one GPU from its neighbours in the node. */
  readonly link: number;
  /** Bytes/s into one node from the others. */
  readonly network: number;
  readonly gpusPerNode: number;
}

/**
 * Nodes of eight H100 with one 400 Gbit/s adapter per GPU. Assumed, not measured: 50 % of the dense bf16 peak
 * (989 TFLOP/s), 80 % of 3.35 TB/s, 70 % of NVLink's 450 GB/s per direction, 80 % of 8 x 50 GB/s.
 */
export const h100: Cluster = {
  flops: 0.5 * 989e12,
  memory: 0.8 * 3.35e12,
  memoryBytes: 80e9,
  link: 0.7 * 450e9,
  network: 0.8 * 400e9,
  gpusPerNode: 8,
};
