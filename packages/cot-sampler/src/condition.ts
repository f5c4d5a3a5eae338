import type { Edit, EditCondition, EditTask, Reflection, Utterance } from '@thinkrl/spec';

/** Turns what was thought into what the editor is asked: the conditions of the first and of every later edit. */
export interface ConditionComposer<Task extends EditTask = EditTask> {
  first(task: Task, plan: Utterance | null): EditCondition;
  again(thought: Reconsidered<Task>): EditCondition;
}

/** A task after a reflection: what the next edit is composed from. */
export interface Reconsidered<Task extends EditTask = EditTask> {
  readonly task: Task;
  readonly plan: Utterance | null;
  readonly reflection: Reflection;
  readonly previous: Edit;
}

function instructionOf(task: EditTask, plan: Utterance | null): string {
  return plan?.wellFormed ? plan.text : task.instruction;
}

/**
 * The paper's composition (method section 1, steps 2 and 4): `c'' = c' + f`, and every edit starts from the original
 * reference. A plan that did not parse falls back to the plain instruction.
 */
export const fromReference: ConditionComposer = {
  first: (task, plan) => ({ references: task.references, text: instructionOf(task, plan) }),
  again: ({ task, plan, reflection }) => ({
    references: task.references,
    text: `${instructionOf(task, plan)} ${reflection.text}`,
  }),
};

/**
 * Mends the newest edit instead of starting over: the later edits are conditioned on the picture before them and on the
 * reflection alone. For editors too small to read a plan and a reflection at once.
 */
export const fromPrevious: ConditionComposer = {
  first: fromReference.first,
  again: ({ reflection, previous }) => ({ references: [previous.image], text: reflection.text }),
};
