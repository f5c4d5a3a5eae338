import { html, type Markup } from './html.ts';
import type { ChainRecord, ChainsFile, GroupRecord, StageRecord } from './record.ts';

/** Data URLs of pictures by path. */
type Pictures = ReadonlyMap<string, string>;

/** What the cards of one recorded iteration share. */
interface Context {
  readonly step: ChainsFile;
  readonly pictures: Pictures;
}

/** Every recorded group, newest iteration first; the newest is open. */
export function gallery(chains: readonly ChainsFile[], pictures: Pictures): Markup {
  if (chains.length === 0) return html`<p class="missing">No chains were recorded.</p>`;
  return html`${chains.map(
    (step, i) => html`<details class="step"${i === 0 && html` open`}><summary>${stepTitle(step)}</summary>
${step.groups.map((group, g) => groupCard(group, `s${step.iteration}g${g}`, { step, pictures }))}</details>`,
  )}`;
}

function stepTitle({ iteration, groups }: ChainsFile): string {
  const when = iteration === 0 ? 'Before training' : `Iteration ${iteration}`;
  const count = groups.reduce((sum, group) => sum + group.chains.length, 0);
  return `${when}: ${groups.length} tasks, ${count} chains`;
}

function groupCard(group: GroupRecord, anchor: string, context: Context): Markup {
  const { task, chains, degenerate } = group;
  const kept = chains.filter((chain) => chain.outcome.kept).length;
  const status = degenerate === null ? `${kept} of ${chains.length} chains kept` : `no update: ${degenerate}`;
  return html`<section class="task"><header><div class="pictures">${picture('reference', task.pictures.reference, context)}${
    task.pictures.truth !== undefined && picture('truth', task.pictures.truth, context)
  }</div><div><h3>${task.instruction}</h3><p class="tags"><span>${task.category}</span><span>${task.split}</span><span>${
    chains[0]?.credit[0]?.method ?? 'no credit'
  }</span><span>${status}</span></p><p class="id">${task.id}</p></div></header>
<div class="chains">${bestFirst(chains).map((chain) => chainCard(chain, { group, anchor, context }))}</div></section>`;
}

/** Kept chains from best to worst, then those left out. */
function bestFirst(chains: readonly ChainRecord[]): readonly ChainRecord[] {
  const place = ({ credit }: ChainRecord) => credit[0]?.rank ?? -1;
  return [...chains].sort((a, b) => place(b) - place(a) || a.index - b.index);
}

interface Card {
  readonly group: GroupRecord;
  readonly anchor: string;
  readonly context: Context;
}

function chainCard(chain: ChainRecord, { group, anchor, context }: Card): Markup {
  const { stages, reflections, plan, outcome } = chain;
  return html`<article class="chain${outcome.kept ? '' : ' out'}" id="${anchor}c${chain.index}">
<header><b>chain ${chain.index}</b>${rankBadge(chain)}</header>
<div class="pictures">${stages.map((stage, i) => picture(stageName(i, stages.length), stage.picture, context))}</div>
${plan !== null && html`<p><span class="label">plan</span> ${plan.text}${unparsed(plan)}</p>`}
${reflections.map(
  (reflection) =>
    html`<p><span class="label">reflection</span> <span class="verdict ${reflection.verdict}">${reflection.verdict}</span> ${withoutVerdict(reflection)}${unparsed(reflection)}</p>`,
)}
${rewardTable(chain, context.step.dimensions)}
${!outcome.kept && outcome.text !== '' && html`<p class="why">${outcome.text}</p>`}
${against(outcome.against, anchor)}
${checklist(group, stages)}</article>`;
}

function stageName(stage: number, count: number): string {
  if (stage === 0) return count === 1 ? 'edit' : 'first edit';
  return stage === count - 1 ? 'final edit' : `after round ${stage}`;
}

/** The text of a reflection after its verdict, which is shown on its own. */
function withoutVerdict({ text, verdict }: ChainRecord['reflections'][number]): string {
  return text.startsWith(verdict) ? text.slice(verdict.length).trimStart() : text;
}

function unparsed({ wellFormed }: { readonly wellFormed: boolean }): Markup | false {
  return !wellFormed && html` <span class="bad">not well formed</span>`;
}

function rankBadge({ credit, outcome }: ChainRecord): Markup {
  const first = credit[0];
  if (!outcome.kept || first?.rank == null)
    return html`<span class="badge out">left out: ${outcome.reason}</span>`;
  return html`<span class="badge">rank ${first.of - first.rank} of ${first.of}</span>`;
}

function against(chains: readonly number[], anchor: string): Markup | false {
  if (chains.length === 0) return false;
  return html`<p class="against">against ${chains.map((index) => html`<a href="#${anchor}c${index}">chain ${index}</a> `)}</p>`;
}

function picture(caption: string, path: string, { pictures }: Context): Markup {
  const source = pictures.get(path);
  const image =
    source === undefined
      ? html`<span class="nopicture">picture missing</span>`
      : html`<img src="${source}" alt="${caption}">`;
  return html`<figure>${image}<figcaption>${caption}</figcaption></figure>`;
}

/** One column per stage; rows are the rewards, the exact scores and the advantage. */
function rewardTable({ stages, credit }: ChainRecord, dimensions: readonly string[]): Markup {
  const oracle = [...new Set(stages.flatMap((stage) => Object.keys(stage.oracle ?? {})))];
  const row = (name: string, kind: string, value: (stage: StageRecord, i: number) => number | undefined) =>
    html`<tr class="${kind}"><th>${name}</th>${stages.map((stage, i) => html`<td>${twoDigits(value(stage, i))}</td>`)}</tr>`;
  const unjudged = stages.flatMap((stage, i) =>
    stage.unjudged === undefined
      ? []
      : [html`<p class="bad">${stageName(i, stages.length)} unjudged: ${stage.unjudged}</p>`],
  );
  return html`<table class="rewards"><thead><tr><th></th>${stages.map((_, i) => html`<th>${stageName(i, stages.length)}</th>`)}</tr></thead>
<tbody>${dimensions.map((name, k) => row(name, 'seen', (stage) => (stage.unjudged === undefined ? stage.rewards[k] : undefined)))}${oracle.map(
    (name) => row(`exact ${name}`, 'exact', (stage) => stage.oracle?.[name]),
  )}${row('advantage', 'seen', (_, i) => credit[i]?.advantage)}</tbody></table>${unjudged}`;
}

function twoDigits(value: number | undefined): string {
  return value === undefined ? 'none' : value.toFixed(2).replace(/^-(0\.00)$/, '$1');
}

/** Every question with the answers after the first and the final edit; a judge's own questions come last. */
function checklist({ task }: GroupRecord, stages: readonly StageRecord[]): Markup | false {
  const rows = [...task.questions, ...questionsOfJudge(task, stages)];
  if (rows.length === 0) return false;
  const shown = stages.length === 1 ? [0] : [0, stages.length - 1];
  const count = stages.at(-1)!.answers.filter((answer) => answer.agrees).length;
  const answer = (stage: number, id: string) => {
    const found = stages[stage]!.answers.find(({ questionId }) => questionId === id);
    if (found === undefined) return html`<td class="none">no answer</td>`;
    return html`<td class="${found.agrees ? 'up' : 'down'}">${found.reply} ${found.agrees ? '\u2713' : '\u2717'}</td>`;
  };
  return html`<details class="checklist"><summary>checklist: ${count} of ${rows.length} as expected</summary>
<table><thead><tr><th>question</th><th>expected</th>${shown.map((stage) => html`<th>${stageName(stage, stages.length)}</th>`)}</tr></thead><tbody>${rows.map(
    ({ id, text, expected }) =>
      html`<tr><td>${text}</td><td>${expected}</td>${shown.map((stage) => answer(stage, id))}</tr>`,
  )}</tbody></table></details>`;
}

/** Questions that were answered without being on the task's checklist; only their names are on record. */
function questionsOfJudge(
  task: GroupRecord['task'],
  stages: readonly StageRecord[],
): GroupRecord['task']['questions'] {
  const known = new Set(task.questions.map(({ id }) => id));
  const own = stages.flatMap(({ answers }) => answers).filter(({ questionId }) => !known.has(questionId));
  return [...new Map(own.map((answer) => [answer.questionId, answer])).values()].map(
    ({ questionId, reply, agrees }) => ({
      id: questionId,
      text: `${questionId} (asked by the judge)`,
      expected: agrees === (reply === 'yes') ? 'yes' : 'no',
    }),
  );
}
