import { copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createEditSampler } from '@thinkrl/edit-generator';
import { oracleScores, planWords, taskList } from '@thinkrl/microworld';
import { readSafetensors, saveParameters } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  loadMicro,
  MicroWeightsError,
  microCodec,
  microParameters,
  saveMicro,
  shippedWeights,
} from '../src/micro/index.ts';
import { torchIsHere, useCpu } from './engine.ts';

const torch = await torchIsHere();
if (!torch) await useCpu();
const folder = mkdtempSync(join(tmpdir(), 'micro-weights-'));

describe('shipped weights', () => {
  it('are at most 6 MB and load into 2.65 million parameters', async () => {
    expect(statSync(shippedWeights()).size).toBeLessThan(6e6);
    const before = tf.memory().numTensors;
    const models = await loadMicro();
    const sizes = [...microParameters(models.policy, models.backbone).values()].map(({ size }) => size);
    expect(sizes.reduce((a, b) => a + b, 0) / 1e6).toBeCloseTo(2.65, 1);
    models.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('have a record that says how they were made', () => {
    const record = JSON.parse(readFileSync(shippedWeights().replace('.safetensors', '.json'), 'utf8'));
    expect(record).toMatchObject({
      command: expect.stringContaining('pretrain micro'),
      seed: expect.any(Number),
    });
    expect(record.curves.understander.length).toBeGreaterThan(10);
    expect(record.curves.editor.length).toBeGreaterThan(10);
  });

  it.skipIf(!torch)('carry out right plans, and plan right now and then', async () => {
    const { policy, backbone, dispose } = await loadMicro();
    const tasks = taskList(Key.of(77), 'id', 48);
    const keys = tasks.map((_, i) => Key.of(6).fold(i));
    const editor = createEditSampler({ backbone, codec: microCodec, steps: 4 });
    const strictOf = async (texts: readonly string[]) => {
      const conditions = texts.map((text, i) => ({ references: tasks[i]!.references, text }));
      const edits = await editor.sample(conditions, { keys, stochastic: false });
      return (
        edits.filter(({ image }, i) => oracleScores(tasks[i]!, image).strict === 1).length / tasks.length
      );
    };
    const right = tasks.map((task) => planWords(task.scene.cells, task.rightPlan).join(' '));
    expect(await strictOf(right)).toBeGreaterThan(0.95);
    const session = await policy.begin(tasks, 1);
    const plans = await session.plan({ sampling: { temperature: 0 }, keys });
    session.dispose();
    expect(plans.every((plan) => plan.wellFormed)).toBe(true);
    const planned = await strictOf(plans.map((plan) => plan.text));
    expect(planned).toBeGreaterThan(0.4);
    expect(planned).toBeLessThan(0.8);
    dispose();
  });
});

describe('loadMicro', () => {
  it('reads what saveMicro wrote, exactly, since both are half precision', async () => {
    const path = join(folder, 'copy.safetensors');
    const models = await loadMicro();
    await saveMicro(path, models);
    models.dispose();
    expect(readFileSync(path).equals(readFileSync(shippedWeights()))).toBe(true);
  });

  it('refuses missing, damaged, altered and foreign weights', async () => {
    const refused = async (path: string, message: RegExp) => {
      const before = tf.memory().numTensors;
      await expect(loadMicro({ weights: path })).rejects.toThrow(MicroWeightsError);
      await expect(loadMicro({ weights: path })).rejects.toThrow(message);
      expect(tf.memory().numTensors).toBe(before);
    };
    await refused(join(folder, 'none.safetensors'), /cannot be read \(ENOENT\)/);
    const short = join(folder, 'short.safetensors');
    writeFileSync(short, readFileSync(shippedWeights()).subarray(0, 1000));
    await refused(short, /damaged: the file ends inside its header/);
    const altered = join(folder, 'altered.safetensors');
    const bytes = readFileSync(shippedWeights());
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(altered, bytes);
    copyFileSync(shippedWeights().replace('.safetensors', '.json'), join(folder, 'altered.json'));
    await refused(altered, /SHA-256/);
    const foreign = join(folder, 'foreign.safetensors');
    await saveParameters(foreign, new Map([['w', tf.tidy(() => tf.zeros([2]))]]));
    await refused(foreign, /another model.* missing: /);
    const broken = join(folder, 'broken.safetensors');
    await saveParameters(broken, new Map([['w', tf.tidy(() => tf.tensor1d([0, Number.NaN]))]]));
    await refused(broken, /w\[1\] is NaN/);
    expect((await readSafetensors(foreign)).tensors.size).toBe(1);
  });
});
