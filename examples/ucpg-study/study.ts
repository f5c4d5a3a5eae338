// Measures the statements of docs/ucpg.md: node study.ts [--out FOLDER] [--effort 1]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Key } from '@thinkrl/spec';
import { studyChainLength } from './chain-length.ts';
import { type Chart, lineChart } from './chart.ts';
import { lengthsText, studyCorruption } from './corruption.ts';
import { studyEasyReward } from './easy-reward.ts';
import { studyNoise } from './noise.ts';

const { values } = parseArgs({
  options: { out: { type: 'string' }, effort: { type: 'string', default: '1' } },
});
const out = values.out ?? fileURLToPath(new URL('../../docs/ucpg', import.meta.url));
const effort = Number(values.effort);
const key = Key.of(1);
mkdirSync(out, { recursive: true });

function draw(name: string, chart: Chart): string {
  writeFileSync(join(out, `${name}.svg`), lineChart(chart));
  return `![${chart.title}](${name}.svg)`;
}

const started = performance.now();
const chain = studyChainLength(key.fold('chain length'), effort);
const noise = studyNoise(key.fold('noise'), effort);
const easy = studyEasyReward(key.fold('easy reward'), effort);
const corruption = studyCorruption(key.fold('corruption'), effort);

const report = `# UCPG, measured

Written by \`pnpm --filter @thinkrl-examples/ucpg-study start\`, seed 1; what it means: [../ucpg.md](../ucpg.md). N is the
group size, K the number of rewards.

## Chains

Rewards are standard normal; correlation is that of every two dimensions. Mean length of the longest chain (share kept):

${chain.kept}

Group size for a wanted mean length:

${chain.needed}

Longest chain over N^(1/K), independent rewards, and its limit:

${chain.constants}

${draw('chain-length', { title: 'Longest chain, and its limit law', xLabel: 'samples in the group', yLabel: 'samples in the chain', logarithmic: true, curves: chain.lengths })}

${draw('kept-share', { title: 'Share of samples kept', xLabel: 'samples in the group', yLabel: 'kept', logarithmic: true, curves: chain.shares })}

## Noise

Normal rewards with correlation 0.3 and noise on every reward, in units of their deviation. Pairs that all true rewards
order alike: percent that the advantages order rightly, wrongly and not at all; N = 16, K = 3, noise 0.5. "Steady" is the
cosine with the rule's own advantages without noise, "worst dimension" the smallest cosine with a dimension's true
rewards.

${noise.details}

Wrong of decided pairs / undecided pairs in percent, noise 0.5:

${noise.sizes}

${draw('noise', { title: 'Wrongly ordered among decided pairs', xLabel: 'noise / spread of the rewards', yLabel: 'share', curves: noise.wrong })}

${draw('worst-dimension', { title: 'Pull on the dimension that gains least', xLabel: 'noise / spread of the rewards', yLabel: 'cosine', curves: noise.worst })}

## An easy reward

A toy policy under judges with the means measured in the micro-world; 7 % idle at the start, groups of 8. Percent right ±
standard error / idle in the last 30 of 100 iterations:

${easy.judges}

Percent right / idle / overdone from harder starts:

${easy.hard}

The same for \`UCPG lead\` with other values of \`leadTolerance\`:

${easy.tolerances}

${draw('idle', { title: 'Idle samples under judge S', xLabel: 'iteration', yLabel: 'share', curves: easy.course })}

${draw('starts', { title: 'Right samples at the end, judge S', xLabel: 'idle share at the start', yLabel: 'share', curves: easy.starts })}

## One corrupted reward

One reward of one sample is set so many deviations above the mean; N = 16, K = 3. Cosine between the other samples'
advantages before and after:

${corruption.details}

${lengthsText(corruption.lengths)}

${draw('corruption', { title: 'Other samples, one reward corrupted', xLabel: 'corrupted value, deviations', yLabel: 'cosine', curves: corruption.cosines })}
`;
writeFileSync(join(out, 'results.md'), report);
console.log(
  `${join(out, 'results.md')} and its pictures, ${((performance.now() - started) / 1000).toFixed(0)} s`,
);
