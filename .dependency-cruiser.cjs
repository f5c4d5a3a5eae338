const source = (names) => `^packages/(${names})/src/`;
const insides = 'cot-sampler|checklist-reward|ucpg|grpo-core|edit-generator|fsdp-shard';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Modules form no cycle, inside a package or across packages.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'spec-stands-alone',
      comment: 'spec holds types and error classes; it depends on nothing.',
      severity: 'error',
      from: { path: source('spec') },
      to: { pathNot: source('spec') },
    },
    {
      name: 'pure-without-tensors',
      comment: 'ucpg and checklist-reward are pure TypeScript without a tensor library.',
      severity: 'error',
      from: { path: source('ucpg|checklist-reward|microworld|report') },
      to: { path: '@tensorflow|packages/nn/' },
    },
    {
      name: 'report-reads-only-spec',
      comment: 'The report reads run folders; it does not know who wrote them.',
      severity: 'error',
      from: { path: source('report') },
      to: { path: '^packages/', pathNot: source('report|spec') },
    },
    {
      name: 'served-reads-only-spec',
      comment: 'What talks to servers does not know what is said.',
      severity: 'error',
      from: { path: source('served') },
      to: { path: '^packages/', pathNot: source('served|spec') },
    },
    {
      name: 'one-client',
      comment: 'Only served imports the client of OpenAI-compatible servers.',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/served/' },
      to: { path: 'node_modules/openai/' },
    },
    {
      name: 'served-by-subpath',
      comment: 'The main entries of planner and judge bring no client along: only their served folders do.',
      severity: 'error',
      from: { path: '^packages/(cot-sampler|checklist-reward)/src/', pathNot: '/src/served/' },
      to: { path: ['^packages/served/', '^packages/(cot-sampler|checklist-reward)/src/served/'] },
    },
    {
      name: 'sampler-and-reward-apart',
      comment:
        'Chains are sampled without knowing how they are judged, and judged without knowing how they are sampled.',
      severity: 'error',
      from: { path: source('cot-sampler|checklist-reward') },
      to: { path: source('cot-sampler|checklist-reward'), pathNot: '^packages/$1/' },
    },
    {
      name: 'algorithms-know-no-loop',
      comment: 'Algorithm packages import neither the loop, nor a backbone, nor an engine.',
      severity: 'error',
      from: { path: source(insides) },
      to: { path: source('orchestrator|recipes|cli|report|backbones|microworld|engine|tfjs-backend-torch') },
    },
    {
      name: 'benchmarks-know-no-loop',
      comment: 'Benchmarks take any editor and any judge: they import no loop, no model and no engine.',
      severity: 'error',
      from: { path: source('benchmarks') },
      to: {
        path: '^packages/',
        pathNot: source('benchmarks|spec|served|checklist-reward|microworld'),
      },
    },
    {
      name: 'one-engine-selector',
      comment: 'Only the engine selector imports the torch backend.',
      severity: 'error',
      from: { pathNot: '^packages/(engine|tfjs-backend-torch)/' },
      to: { path: '^packages/tfjs-backend-torch/' },
    },
    {
      name: 'through-the-index',
      comment: 'A package is imported through its exports, never by a path into its source.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/' },
      to: {
        path: '^packages/[^/]+/src/',
        pathNot: [
          '^packages/$1/src/',
          '^packages/[^/]+/src/index[.]ts$',
          '^packages/[^/]+/src/[^/]+/index[.]ts$',
        ],
      },
    },
    {
      name: 'declared',
      comment: 'Every import resolves.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@thinkrl/source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
