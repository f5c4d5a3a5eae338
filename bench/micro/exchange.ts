import { microCodec } from '@thinkrl/backbones/micro';
import {
  CELL_WORD_IDS,
  GRID,
  type MicroTask,
  SLOTS,
  TEMPLATES,
  VOCABULARY,
  wordId,
} from '@thinkrl/microworld';
import type { Chain, Edit, Group, Image } from '@thinkrl/spec';
import { rowsToWire, stackToWire, toWire, type WireArray } from './wire.ts';

const PICTURE = [GRID.cells, GRID.cellNumbers];

/** Word ids that the peer needs to sample and to parse. */
export function vocabularyForPeer() {
  return {
    vocabulary: VOCABULARY.length,
    slots: [GRID.cells, SLOTS.instruction, SLOTS.plan, GRID.cells, SLOTS.reflection],
    textSlots: SLOTS.editorText,
    ids: {
      ...Object.fromEntries(
        ['move', 'change', 'put', 'erase', 'ok', 'fix'].map((word) => [word, wordId(word)]),
      ),
      stop: wordId('.'),
      end: wordId('<end>'),
      plan: wordId('<plan>'),
      reflect: wordId('<refl>'),
      cells: CELL_WORD_IDS,
      things: TEMPLATES.map(({ attribute, noun }) => [wordId(attribute), wordId(noun)]),
    },
  };
}

/** Pictures and instructions of tasks. */
export function promptsForPeer(tasks: readonly MicroTask[]) {
  return {
    pictures: pictures(tasks.map((task) => task.references[0]!)),
    instructions: rowsToWire(tasks.map((task) => task.words.map(wordId))),
  };
}

/** What an update or a check works on: kept chains with tokens and edits, and their advantages by stage. */
export function samplesForPeer(groups: readonly Group<MicroTask>[]) {
  const kept = keptChains(groups);
  const tasks = [...new Set(kept.map(({ chain }) => chain.task))];
  const drawn = keptEdits(groups);
  const window = drawn[0]!.edit.trajectory.stochastic;
  return {
    ...promptsForPeer(tasks),
    window,
    speech: {
      task: toWire(
        Int32Array.from(kept, ({ chain }) => tasks.indexOf(chain.task)),
        [kept.length],
      ),
      plans: rowsToWire(kept.map(({ chain }) => chain.plan!.tokens)),
      edits: pictures(kept.map(({ chain }) => chain.first.image)),
      reflections: rowsToWire(kept.map(({ chain }) => chain.rounds[0]!.reflection.tokens)),
      advantages: toWire(Float32Array.from(kept.flatMap(({ advantages }) => advantages)), [kept.length, 2]),
    },
    drawing: {
      references: pictures(drawn.map(({ edit }) => edit.condition.references[0]!)),
      tokens: rowsToWire(drawn.map(({ edit }) => edit.condition.text.split(' ').map(wordId))),
      before: states(drawn, window),
      after: states(
        drawn,
        window.map((step) => step + 1),
      ),
      advantages: toWire(
        Float32Array.from(drawn, ({ advantage }) => advantage),
        [drawn.length],
      ),
    },
  };
}

/** Chains that at least one stage keeps, as `createUnderstandingUpdate` takes them. */
export function keptChains(groups: readonly Group<MicroTask>[]) {
  return groups.flatMap(({ members, credit }) =>
    members.flatMap(({ chain }, i) => {
      const kept = credit.some((stage) => stage.kept.includes(i));
      return kept ? [{ chain, advantages: credit.map((stage) => stage.advantages[i]!) }] : [];
    }),
  );
}

/** Edits of stages that keep their chain, as `createGenerationUpdate` takes them. */
export function keptEdits(groups: readonly Group<MicroTask>[]) {
  return groups.flatMap(({ members, credit }) =>
    members.flatMap(({ chain }, i) =>
      editsOf(chain).flatMap((edit, stage) =>
        edit !== null && credit[stage]!.kept.includes(i)
          ? [{ edit, advantage: credit[stage]!.advantages[i]! }]
          : [],
      ),
    ),
  );
}

function editsOf(chain: Chain): readonly (Edit | null)[] {
  return [chain.first, ...chain.rounds.map((round) => round.edit)];
}

function states(drawn: readonly { readonly edit: Edit }[], levels: readonly number[]): WireArray {
  const rows = levels.flatMap((level) => drawn.map(({ edit }) => edit.trajectory.states[level]!));
  return { ...stackToWire(rows, PICTURE), shape: [levels.length, drawn.length, ...PICTURE] };
}

function pictures(images: readonly Image[]): WireArray {
  const latents = microCodec.encode(images);
  const values = latents.dataSync() as Float32Array;
  latents.dispose();
  return toWire(values, [images.length, ...PICTURE]);
}
