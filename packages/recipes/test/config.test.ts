import { ConfigError } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { defaultMicroConfig, parseMicroConfig } from '../src/config.ts';

describe('parseMicroConfig', () => {
  it('lays overrides over the defaults at any depth and leaves the defaults alone', () => {
    const config = parseMicroConfig({ mode: 'plan', understanding: { learningRate: 1e-4 } });
    expect(config.mode).toBe('plan');
    expect(config.understanding).toEqual({ ...defaultMicroConfig.understanding, learningRate: 1e-4 });
    expect(parseMicroConfig({})).toEqual(defaultMicroConfig);
  });

  it.each([
    [{ groupSize: 1 }, 'groupSize is 1: use a whole number of at least 2'],
    [{ mode: 'fast' }, 'mode is "fast": use one of full, plan, direct'],
    [{ understanding: { learningRate: -1 } }, 'understanding.learningRate is -1: use a number above 0'],
    [{ generation: { decay: 2 } }, 'generation.decay is 2: use at most 1'],
    [
      { understanding: { learnigRate: 1 } },
      'understanding.learnigRate is 1: no such setting; did you mean learningRate?',
    ],
    [{ grouping: { weights: [1, 1] } }, 'grouping.weights is [1,1]: use three numbers'],
    [{ editing: { steps: 3, window: 3 } }, 'editing.window is 3: use at most 2 with editing.steps 3'],
    [{ groupSize: 8, editsPerPlan: 3 }, 'editsPerPlan is 3: use a divisor of groupSize 8'],
    [{ groupSize: 8, editsPerPlan: 8 }, 'editsPerPlan is 8: use a divisor of groupSize 8'],
    [{ mode: 'direct', editsPerPlan: 2 }, 'editsPerPlan is 2: use 1 with mode direct'],
    [{ constrained: 'yes' }, 'constrained is "yes": use true or false'],
    [{ stop: { mostTokens: 19 } }, 'stop.mostTokens is 19: use at most 18'],
    [{ stop: { after: ['full stop'] } }, 'stop.after.0 is "full stop": use words of the vocabulary'],
    [{ stop: { after: '.' } }, 'stop.after is ".": use a list of words'],
    [
      { constrained: true, stop: { mostTokens: 5 } },
      'stop.mostTokens is 5: use at least 6 with constrained true',
    ],
    [
      { constrained: true, stop: { after: ['.', 'a1'] } },
      'stop.after.1 is "a1": use "." or "ok" with constrained',
    ],
    [{ seed: 'x' }, 'seed is "x": use a whole number of at least 0'],
    [7, 'config is 7'],
  ])('refuses %j, naming field, value and fix', (overrides, message) => {
    expect(() => parseMicroConfig(overrides)).toThrow(ConfigError);
    expect(() => parseMicroConfig(overrides)).toThrow(message);
  });

  it('refuses to train nothing', () => {
    const frozen = { understanding: { train: false }, generation: { train: false } };
    expect(() => parseMicroConfig(frozen)).toThrow('train at least one');
    expect(parseMicroConfig({ ...frozen, iterations: 0 }).iterations).toBe(0);
  });
});
