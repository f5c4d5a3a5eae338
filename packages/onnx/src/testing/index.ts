export { type FakeNetwork, type FakeNetworkOptions, fakeNetwork } from './fake-network.ts';
