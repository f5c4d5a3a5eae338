/** The worker script of `transformersJs`, beside `src` and `dist`. */
export const transformersScript: URL = new URL('../transformers-worker.mjs', import.meta.url);
