import { defineConfig } from 'tsup';
import { library } from '../../tsup.config.base.ts';

export default defineConfig(
  library({
    index: 'src/index.ts',
    cache: 'src/cache/index.ts',
    onnx: 'src/onnx/index.ts',
    served: 'src/served/index.ts',
    testing: 'src/testing/index.ts',
    'transformers-js': 'src/transformers-js/index.ts',
  }),
);
