import { defineConfig } from 'tsup';
import { library } from '../../tsup.config.base.ts';

export default defineConfig(
  library({
    micro: 'src/micro/index.ts',
    'qwen-image-edit': 'src/qwen-image-edit/index.ts',
    'qwen2-5-vl': 'src/qwen2-5-vl/index.ts',
  }),
);
