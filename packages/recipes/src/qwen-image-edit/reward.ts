import {
  type ChecklistReward,
  checklistDimension,
  createChecklistReward,
  type Judge,
} from '@thinkrl/checklist-reward';
import type { Question } from '@thinkrl/spec';
import { DIMENSIONS } from '../record-chains.ts';

/** What is asked about every edit, whatever the task: did anything change that nobody asked for? */
const CONSISTENCY: readonly Question[] = [
  {
    id: 'rest-kept',
    text: 'Is everything that the requested edit does not concern the same as in the reference picture?',
    expected: 'yes',
  },
  {
    id: 'other-change',
    text: 'Was anything added, removed or altered that the requested edit neither names nor brings about?',
    expected: 'no',
  },
];

/** What is asked about every edit as a picture. */
const QUALITY: readonly Question[] = [
  { id: 'sound', text: 'Would the edited picture pass for one that nobody edited?', expected: 'yes' },
  {
    id: 'broken',
    text: 'Does the edited picture have blurred, smeared, torn or misshapen parts?',
    expected: 'no',
  },
];

/**
 * The reward of method section 1, step 5, by one judge: instruction following by each task's checklist, consistency and
 * quality by two questions of either polarity.
 *
 * @example
 * const reward = questionReward(await openAiCompatible({ model }));
 */
export function questionReward(judge: Judge): ChecklistReward {
  const [instruction, consistency, quality] = DIMENSIONS;
  return createChecklistReward({
    dimensions: [
      checklistDimension({ judge, name: instruction }),
      checklistDimension({ judge, name: consistency, questions: () => CONSISTENCY }),
      checklistDimension({ judge, name: quality, questions: () => QUALITY }),
    ],
  });
}
