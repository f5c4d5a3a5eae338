// One rank of a run on a tiny Qwen-Image-Edit, with torchrun's variables: train-qwen-rank.ts OUT SETTINGS.
import { parseQwenEditConfig, trainQwenEdit } from '../../src/qwen-image-edit/index.ts';
import { TINY_FORM, wilfulJudge } from '../tiny-talk.ts';

const [out, settings] = process.argv.slice(2);
const config = parseQwenEditConfig(JSON.parse(settings!));
await trainQwenEdit(config, { out: out!, judge: wilfulJudge(), form: TINY_FORM });
