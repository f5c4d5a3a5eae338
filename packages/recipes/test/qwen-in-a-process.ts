// Trains a tiny Qwen-Image-Edit: `FOLDER SETTINGS`, as a rank with torchrun's variables.
import { parseQwenEditConfig, trainQwenEdit } from '../src/qwen-image-edit/index.ts';
import { TINY_FORM, wilfulJudge } from './tiny-talk.ts';

const [out, settings] = process.argv.slice(2) as [string, string];
const config = parseQwenEditConfig(JSON.parse(settings));
await trainQwenEdit(config, { out, judge: wilfulJudge(), form: TINY_FORM });
