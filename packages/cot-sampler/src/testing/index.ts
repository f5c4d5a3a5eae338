export { fakeEditor } from './fake-editor.ts';
export { type FakePolicyOptions, fakePolicy } from './fake-policy.ts';
