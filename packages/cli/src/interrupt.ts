/** Turns Ctrl-C and SIGTERM into a request to stop, while a long command runs. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back. */
  release(): void;
}

/** A signal this many ms after the first is the first again: launchers pass on what a terminal sends to everybody. */
const ECHO = 1000;

/** Starts to listen. The first signal is a request, a later one is not to be waited for: unless told, it leaves with 130. */
export function listenForInterrupt(
  onRequest: () => void,
  onInsistence: () => void = () => process.exit(130),
): Interrupt {
  const controller = new AbortController();
  let requested = 0;
  const stop = () => {
    if (controller.signal.aborted) {
      if (performance.now() - requested > ECHO) onInsistence();
      return;
    }
    requested = performance.now();
    controller.abort();
    onRequest();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
