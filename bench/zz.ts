import { useEngine } from '@thinkrl/engine';
import { blockCase, denoiseCase, editorStep, understanderStep, decodeCase } from './engine/cases.ts';
import { microData } from './engine/data.ts';
const engine = await useEngine({ engine: 'torch', threads: Number(process.env.T ?? 2) });
const which = process.argv[2];
const data = which === 'block' || which==='big' ? undefined : await microData();
const work = which === 'block' ? blockCase({ batch: 16, tokens: 160, width: 128, heads: 4 }) : which === 'big' ? blockCase({ batch: 4, tokens: 256, width: 384, heads: 6 }) : which === 'denoise' ? denoiseCase(data!) : which==='editor'? editorStep(data!) : which === 'under' ? understanderStep(data!) : decodeCase(data!, 64);
for (let i = 0; i < 5; i++) await work.run();
const times: number[] = [];
const end = performance.now() + Number(process.argv[3] ?? 5) * 1000;
while (performance.now() < end) { const s = performance.now(); await work.run(); times.push(performance.now() - s); }
times.sort((a, b) => a - b);
console.log(which, 'min', times[0]!.toFixed(2), 'median', times[times.length >> 1]!.toFixed(2));
