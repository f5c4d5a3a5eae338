import { defineConfig } from 'tsup';
import { library } from '../../tsup.config.base.ts';

export default defineConfig(
  library({
    index: 'src/index.ts',
    served: 'src/served/index.ts',
    cache: 'src/cache/index.ts',
    testing: 'src/testing/index.ts',
  }),
);
