export { type FakeMeshMember, fakeMesh, fakeShardingWorld, fakeWorld } from './fake-world.ts';
