/** Rounds of reflecting and editing again that a configuration's mode leaves: none where chains only plan, or do not. */
export function roundsOf({ mode, rounds }: { readonly mode: string; readonly rounds: number }): number {
  return mode === 'full' ? rounds : 0;
}
