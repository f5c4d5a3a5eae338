export { type AttentionNames, type GraphAttention, ModuleGraph, type ValuePair } from './module-graph.ts';
