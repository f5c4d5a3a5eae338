import { html, type Markup } from './html.ts';
import type { JudgeGuard, RunSummary } from './summary.ts';

/** How the judge of a run behaved, and what is suspicious about it; nothing where the summary does not say. */
export function judgeGuard(summary: RunSummary | null): Markup | false {
  const guard = summary?.guard;
  if (guard === undefined) return false;
  return html`<h2>The judge</h2>${suspicions(guard)}
<table class="scores"><tbody>${rows(guard).map(
    ([name, value]) => html`<tr><th>${name}</th><td>${value}</td></tr>
`,
  )}</tbody></table>`;
}

function suspicions({ suspicions, answers }: JudgeGuard): Markup {
  if (suspicions.length === 0) return html`<p>Nothing suspicious in ${answers} answers.</p>`;
  return html`<div class="notes"><p>To be looked into:</p><ul>${suspicions.map(({ text }) => html`<li>${text}</li>`)}</ul></div>`;
}

function rows({
  yesShare,
  addressed,
  agreement,
  repeats,
}: JudgeGuard): readonly (readonly [string, string])[] {
  return [
    ['says yes where yes speaks for the edit', percent(yesShare.expectYes)],
    ['says yes where no speaks for the edit', percent(yesShare.expectNo)],
    ['chains that speak to the judge', `${addressed}`],
    ...agreement.map(
      ({ left, right, questions, rate, kappa }) =>
        [
          `${left} and ${right} agree`,
          `${percent(rate)} of ${questions}, kappa ${kappa?.toFixed(2) ?? 'none'}`,
        ] as const,
    ),
    ...(repeats === null
      ? []
      : [
          [
            `deviation over ${repeats.repeats} repeats`,
            `${repeats.deviation?.toFixed(3) ?? 'none'} (${repeats.pictures} pictures)`,
          ] as const,
        ]),
  ];
}

function percent(share: number | null): string {
  return share === null ? 'none' : `${(100 * share).toFixed(1)} %`;
}
