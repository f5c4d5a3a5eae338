import { saveMicro, loadMicro, MicroPolicy, MicroEditBackbone, Understander, Editor } from '@thinkrl/backbones/micro';
import { useEngine } from '@thinkrl/engine';
import { Key } from '@thinkrl/spec';
import { parseMicroConfig, trainMicro } from './src/index.ts';
console.log(await useEngine({ threads: 2 }));
import * as w from '@thinkrl/backbones/micro';
console.log(Object.keys(w));
