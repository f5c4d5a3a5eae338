export { fakeWorld } from './fake-world.ts';
