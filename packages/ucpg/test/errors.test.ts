import { describe, expect, it } from 'vitest';
import {
  explain,
  grouping,
  groupingNames,
  lexicographic,
  type UcpgError,
  ucpg,
  weightedSum,
} from '../src/index.ts';

function fault(run: () => unknown): Pick<UcpgError, 'code' | 'field'> {
  try {
    run();
  } catch (error) {
    const { code, field } = error as UcpgError;
    return { code, field };
  }
  throw new Error('nothing was thrown');
}

describe.each(groupingNames)('bad input of %s', (name) => {
  const group = grouping(name);

  it('names the field', () => {
    expect(fault(() => group([]))).toEqual({ code: 'UCPG_EMPTY', field: 'rewards' });
    expect(fault(() => group([[]]))).toEqual({ code: 'UCPG_EMPTY', field: 'rewards[0]' });
    expect(fault(() => group([[1, 2], null, [1]]))).toEqual({ code: 'UCPG_RAGGED', field: 'rewards[2]' });
    expect(fault(() => group([[1, Number.NaN]]))).toEqual({
      code: 'UCPG_NOT_FINITE',
      field: 'rewards[0][1]',
    });
    expect(fault(() => group([[1], [Number.POSITIVE_INFINITY]]))).toEqual({
      code: 'UCPG_NOT_FINITE',
      field: 'rewards[1][0]',
    });
  });
});

describe('bad options', () => {
  const rewards = [
    [0, 0],
    [1, 1],
  ];

  it('names the field', () => {
    const option = (field: string) => ({ code: 'UCPG_OPTION', field });
    expect(fault(() => ucpg(rewards, { epsilon: -1 }))).toEqual(option('options.epsilon'));
    expect(fault(() => ucpg(rewards, { standardDeviationFloor: Number.NaN }))).toEqual(
      option('options.standardDeviationFloor'),
    );
    expect(fault(() => ucpg(rewards, { minimumChain: 1 }))).toEqual(option('options.minimumChain'));
    expect(fault(() => ucpg(rewards, { lead: 2 }))).toEqual(option('options.lead'));
    expect(fault(() => ucpg(rewards, { lead: 0.5 }))).toEqual(option('options.lead'));
    expect(fault(() => ucpg(rewards, { lead: 0, leadTolerance: Number.NaN }))).toEqual(
      option('options.leadTolerance'),
    );
    expect(fault(() => weightedSum(rewards, { weights: [1] }))).toEqual(option('options.weights'));
    expect(fault(() => weightedSum(rewards, { weights: [1, -1] }))).toEqual(option('options.weights'));
    expect(fault(() => lexicographic(rewards, { priority: [2] }))).toEqual(option('options.priority'));
    expect(fault(() => lexicographic(rewards, { gates: [1] }))).toEqual(option('options.gates'));
    expect(fault(() => grouping('mean' as 'ucpg'))).toEqual(option('name'));
    expect(fault(() => explain(rewards, ucpg([[1]])))).toEqual({
      code: 'UCPG_RAGGED',
      field: 'grouping.advantages',
    });
  });

  it('carries the mark that ThinkError.isInstance looks for', () => {
    try {
      ucpg([]);
    } catch (error) {
      expect(Symbol.for('thinkrl.error') in (error as object)).toBe(true);
      expect((error as Error).message).toBe('rewards is []: give one row per sample');
    }
  });
});
