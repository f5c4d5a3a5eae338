import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judge } from '@thinkrl/checklist-reward';
import { encodePng, exactJudge, renderScene, taskList } from '@thinkrl/microworld';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  type BenchmarkEditor,
  editMicroTasks,
  identityEditor,
  type MicroEdit,
  replayChecklistJudge,
  reportMicro,
} from '../src/index.ts';
import { png, write } from './kris-folder.ts';

const tasks = [...taskList(Key.of(5), 'id', 6), ...taskList(Key.of(6), 'ood', 4)];
const folder = () => mkdtemp(join(tmpdir(), 'thinkrl-micro-'));

/** The editor that knows: it paints the truth. */
const painter: BenchmarkEditor = {
  name: 'painter',
  async edit({ key }) {
    const task = tasks.find(({ id }) => id === key)!;
    return encodePng(renderScene({ ...task.scene, cells: task.truth }));
  },
};

const rowsOf = (edits: readonly MicroEdit[], judge?: Judge<(typeof tasks)[number]>) =>
  reportMicro(edits, { editor: 'x', ...(judge && { judge }) }).then(({ tables }) =>
    tables.map(({ rows }) => rows[0]!.cells),
  );

describe('the micro-world as a benchmark', () => {
  it('gives the truth full marks and the untouched picture none for being right', async () => {
    const painted = await editMicroTasks(tasks, { out: await folder(), editor: painter });
    const copied = await editMicroTasks(tasks, { out: await folder(), editor: identityEditor() });
    expect([painted.problems, copied.problems]).toEqual([[], []]);
    for (const [instruction, strict, consistency, quality, idle] of await rowsOf(painted.edits)) {
      expect([instruction, strict, idle]).toEqual([100, 100, 0]);
      // What the 8 bits of a PNG file cost the very truth.
      expect(Math.min(consistency!, quality!)).toBeGreaterThan(99);
    }
    for (const [instruction, strict, consistency, , idle] of await rowsOf(copied.edits)) {
      expect(instruction).toBeLessThan(100);
      expect([strict, idle]).toEqual([0, 100]);
      expect(consistency).toBeGreaterThan(99);
    }
  });

  it('sets another judge beside the exact one', async () => {
    const { edits } = await editMicroTasks(tasks, { out: await folder(), editor: painter });
    const exact = exactJudge();
    const contrary: Judge<(typeof tasks)[number]> = {
      name: 'contrary',
      version: '1',
      async answer(requests) {
        const replies = await exact.answer(requests);
        return replies.map((reply, index) =>
          'unjudged' in reply || index === 0
            ? { unjudged: 'asleep' }
            : {
                answers: reply.answers.map((answer) => ({
                  ...answer,
                  reply: answer.reply === 'yes' ? ('no' as const) : ('yes' as const),
                  agrees: !answer.agrees,
                })),
              },
        );
      },
    };
    // Two columns more: the judge's score and its agreement with the truth.
    expect((await rowsOf(edits, contrary)).map((cells) => cells.slice(5, 7))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect((await rowsOf(edits, exact)).map((cells) => cells.slice(5, 7))).toEqual([
      [100, 100],
      [100, 100],
    ]);
    const { notes } = await reportMicro(edits, { editor: 'x', judge: contrary });
    expect(notes).toEqual([`${tasks[0]!.id}: unjudged: asleep`]);
  });

  it('notes pictures of another size and tasks that a file does not answer', async () => {
    const [first, second] = tasks;
    const editor: BenchmarkEditor = { name: 'small', edit: () => png(1, 2, 3) };
    const { edits } = await editMicroTasks([first!], { out: await folder(), editor });
    const file = join(await folder(), 'answers.json');
    const answers = Object.fromEntries(second!.checklist.questions.map(({ id, expected }) => [id, expected]));
    await write(file, JSON.stringify({ answers: { [second!.id]: answers } }));
    const painted = await editMicroTasks(tasks.slice(1, 3), { out: await folder(), editor: painter });
    const report = await reportMicro([...edits, ...painted.edits], {
      editor: 'small',
      judge: await replayChecklistJudge(file),
    });
    expect(report.notes).toHaveLength(2);
    expect(report.notes[0]).toBe(`${first!.id}: a picture of the micro-world is 32 x 32, this one is 8 x 8`);
    expect(report.notes[1]).toContain(`${tasks[2]!.id}: unjudged: ${file} does not answer `);
    // One of the two painted pictures is judged, and right.
    const { cells } = report.tables[0]!.rows[0]!;
    expect([cells[1], ...cells.slice(4)]).toEqual([100, 0, 100, 100, 2]);
    expect(report.facts.tasks).toBe('2 of 3 scored');
  });
});
