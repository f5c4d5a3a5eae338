export { fakeShardingWorld, fakeWorld } from './fake-world.ts';
