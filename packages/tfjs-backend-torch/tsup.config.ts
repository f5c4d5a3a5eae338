import { defineConfig } from 'tsup';
import { library } from '../../tsup.config.base.ts';

// Unsplit, because splitting turns the CommonJS build's import() into require(), which cannot load tfjs-core's gradients.
export default defineConfig({ ...library({ index: 'src/index.ts' }), splitting: false });
