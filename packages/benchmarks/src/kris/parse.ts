import { PYTHON_SPACE, pythonInt, pythonStrip } from '../python.ts';
import type { KrisMetric, KrisScript } from './taxonomy.ts';

/** A score as read from a reply, null where none was found, with the reasons where upstream keeps them. */
export interface KrisScore {
  readonly score: number | null;
  readonly reasoning: unknown;
}

/** A metric that has a reply of its own. */
export type SingleMetric = Exclude<KrisMetric, 'knowledge'>;

/** Whose parser reads a reply, and for which metric. */
export interface KrisParser {
  readonly script: KrisScript;
  readonly metric: SingleMetric;
}

const space = `[${PYTHON_SPACE}]`;
const outOfFive = [`([1-5])${space}*/${space}*5`, `([1-5])${space}+out${space}+of${space}+5`];
const freeDigit = '(?<![\\p{L}\\p{N}_])([1-5])(?![\\p{L}\\p{N}_])';

/** `name score`, with a colon that may be left out. */
const named = (name: string, colon: '[:：]' | '[:：]?') =>
  `${name}[_${PYTHON_SPACE}]*score${space}*${colon}${space}*([1-5])`;

/**
 * Reads one score as upstream's scripts do, bug for bug: the innermost braces around the key as JSON, whatever number
 * stands there; else the first thing that looks like a score, at last any digit from 1 to 5 that stands alone. JSON that
 * only Python takes, with NaN or Infinity, is no JSON here.
 *
 * @example
 * parseKrisScore('I rate it 4 / 5.', { script: 'common', metric: 'quality' }).score; // 4
 */
export function parseKrisScore(reply: string, { script, metric }: KrisParser): KrisScore {
  const key = `${metric}_score`;
  const data = jsonAround(reply, key);
  if (script === 'knowledge') {
    const reasoning = knowledgeReasoning(reply);
    if (data !== null && isMissing(data[key])) return { score: null, reasoning };
    const score = pythonInt(data?.[key]);
    const patterns = [named(metric, '[:：]'), ...outOfFive, freeDigit];
    return { score: score ?? firstMatch(reply, patterns), reasoning };
  }
  const score = pythonInt(data?.[key]);
  if (score !== null) return { score, reasoning: data?.[reasonKey(script, metric)] ?? null };
  const prefixed = script === 'common' || script === 'viewpoint' ? [named(metric, '[:：]?')] : [];
  return { score: firstMatch(reply, [...prefixed, ...outOfFive, freeDigit]), reasoning: null };
}

/** Reads the reply that holds two scores. Any number that is none drops both to the patterns, which find no digits. */
export function parseKrisDual(reply: string): Readonly<Record<'instruction' | 'knowledge', KrisScore>> {
  const data = jsonAround(reply, 'instruction_score');
  const fromJson = data === null ? null : dualFromJson(data);
  if (fromJson !== null) return fromJson;
  const spoken = (name: string) => firstMatch(reply, [named(name, '[:：]')]);
  const reasons = { instruction: '([^]+?)(?=knowledge_reasoning|$)', knowledge: '([^]+)' };
  const reason = (name: 'instruction' | 'knowledge') =>
    firstText(reply, `${name}_reasoning${space}*[:：]${space}*${reasons[name]}`);
  return {
    instruction: { score: spoken('instruction'), reasoning: reason('instruction') },
    knowledge: { score: spoken('knowledge'), reasoning: reason('knowledge') },
  };
}

type Json = Readonly<Record<string, unknown>>;

const isMissing = (value: unknown) => value === null || value === undefined;

function dualFromJson(data: Json) {
  const score = (name: string) => {
    const value = data[`${name}_score`];
    return isMissing(value) ? null : (pythonInt(value) ?? Number.NaN);
  };
  const [instruction, knowledge] = [score('instruction'), score('knowledge')];
  if (Number.isNaN(instruction) || Number.isNaN(knowledge)) return null;
  return {
    instruction: { score: instruction, reasoning: data.instruction_reasoning ?? null },
    knowledge: { score: knowledge, reasoning: data.knowledge_reasoning ?? null },
  };
}

function reasonKey(script: KrisScript, metric: SingleMetric): string {
  if (script === 'multi-element') return `${metric}_reasoning`;
  return script !== 'temporal' && metric === 'consistency' ? 'reason' : 'reasoning';
}

/** The object in the first pair of braces that holds the word and no other brace, or null. */
function jsonAround(reply: string, word: string): Json | null {
  const [found] = new RegExp(`\\{[^{}]*${word}[^{}]*\\}`).exec(reply) ?? [];
  try {
    return found === undefined ? null : (JSON.parse(found) as Json);
  } catch {
    return null;
  }
}

function firstMatch(reply: string, patterns: readonly string[]): number | null {
  for (const pattern of patterns) {
    const [, digit] = new RegExp(pattern, 'iu').exec(reply) ?? [];
    if (digit !== undefined) return Number(digit);
  }
  return null;
}

function firstText(reply: string, pattern: string): string | null {
  const [, text] = new RegExp(pattern, 'iu').exec(reply) ?? [];
  return text === undefined ? null : pythonStrip(text);
}

function knowledgeReasoning(reply: string): unknown {
  const data = jsonAround(reply, 'reasoning');
  if (data !== null) return data.reasoning ?? null;
  return firstText(reply, `reasoning${space}*[:：]${space}*([^]+)`);
}
