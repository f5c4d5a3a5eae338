// How long one call of ucpg takes: median and 95th percentile in milliseconds, after warm-up.
import { Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';
import { table } from './markdown.ts';
import { drawGroup } from './points.ts';

const shapes = [
  { samples: 16, dimensions: 3, calls: 4000 },
  { samples: 64, dimensions: 3, calls: 4000 },
  { samples: 1024, dimensions: 3, calls: 40 },
  { samples: 4096, dimensions: 3, calls: 10 },
];

const rows = shapes.map(({ samples, dimensions, calls }) => {
  const groups = Key.of(samples)
    .split(16)
    .map((key) => drawGroup({ samples, dimensions, correlation: 0 }, key.stream()));
  const timed = (call: number) => {
    const start = performance.now();
    ucpg(groups[call % groups.length]!);
    return performance.now() - start;
  };
  for (let call = 0; call < calls; call++) timed(call);
  const times = Array.from({ length: calls }, (_, call) => timed(call)).sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (calls - 1))]!.toFixed(3);
  return [`N = ${samples}, K = ${dimensions}`, at(0.5), at(0.95)];
});
console.log(table(['group', 'median ms', '95 %'], rows));
