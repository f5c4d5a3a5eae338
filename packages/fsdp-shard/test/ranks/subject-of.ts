import { microSubject } from './micro-subject.ts';
import type { Plan } from './plan.ts';
import { imageSubject, languageSubject } from './qwen-subjects.ts';
import type { Subject } from './subject.ts';

/** The model of a plan. */
export function subjectOf(plan: Plan): Subject {
  if (plan.model === 'image') return imageSubject(plan);
  if (plan.model === 'language') return languageSubject(plan);
  return microSubject(plan);
}
