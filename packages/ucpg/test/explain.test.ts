import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, grouping, groupingNames, pairs, ucpg } from '../src/index.ts';
import { groupsWithGaps } from './arbitraries.ts';

const rewards = [[0.2, 0.5], [0.9, 0.1], null, [0.6, 0.7], [0.6, 0.7]];

describe('explain', () => {
  it('says why each sample is in or out and against whom', () => {
    const said = explain(rewards, ucpg(rewards), { dimensions: ['instruction', 'quality'] });
    expect(said.map((sample) => sample.reason)).toEqual(['kept', 'conflict', 'unjudged', 'kept', 'kept']);
    expect(said[0]).toMatchObject({
      rank: 0,
      better: [3, 4],
      worse: [],
      text: 'kept at place 1 of 3: above nobody, below 3, 4',
    });
    expect(said[1]).toMatchObject({ rank: null, advantage: 0, conflicts: [0, 3, 4] });
    expect(said[1]!.text).toContain('against 0 it is better in instruction and worse in quality');
    expect(said[2]!.text).toBe('left out: it has no judgement');
    expect(said[3]).toMatchObject({ rank: 1, worse: [0], equal: [4] });
  });

  it('names equal samples that were left out', () => {
    const said = explain(rewards, ucpg(rewards, { duplicates: 'one' }));
    expect(said[4]).toMatchObject({ reason: 'duplicate', equal: [3] });
    expect(said[4]!.text).toBe('left out: its rewards equal those of 3, of which one is kept');
  });

  it('names whom a sample conflicts with when it can be compared with nobody', () => {
    const group = [
      [0, 0],
      [1, 1],
      [-1, 2],
    ];
    expect(explain(group, pairs(group))[2]).toMatchObject({ reason: 'conflict', conflicts: [0, 1] });
  });

  it('says with whom a sample outside the chain is pushed down', () => {
    const group = [
      [0.5, 0.4],
      [0.9, 0.6],
      [0.1, 1],
    ];
    const said = explain(group, ucpg(group, { lead: 0 }), { dimensions: ['instruction', 'quality'] });
    expect(said[2]).toMatchObject({
      reason: 'outranked',
      conflicts: [0, 1],
      text: 'pushed down with 0: against 0 it is better in quality and worse in instruction',
    });
    expect(said[0]).toMatchObject({ reason: 'kept', better: [1], worse: [] });
  });

  it('says so when the whole group is left out', () => {
    const conflict = [
      [0, 1],
      [1, 0],
    ];
    const said = explain(conflict, ucpg(conflict));
    expect(said[0]).toMatchObject({ reason: 'degenerate', conflicts: [1] });
    expect(said[0]!.text).toContain('fewer than two samples');
  });

  it.each(groupingNames)('puts every other measured sample of %s in exactly one list', (name) => {
    fc.assert(
      fc.property(groupsWithGaps(10), (group) => {
        const formed = grouping(name)(group);
        const judged = group.flatMap((row, i) => (row ? [i] : []));
        const measured = formed.degenerate === null ? formed.kept : judged;
        for (const said of explain(group, formed)) {
          const listed = [...said.better, ...said.worse, ...said.equal, ...said.conflicts];
          const others = group[said.sample] === null ? [] : measured.filter((i) => i !== said.sample);
          expect(listed.toSorted()).toEqual(others.toSorted());
          expect(said.rank !== null).toBe(said.reason === 'kept');
        }
      }),
    );
  });
});
