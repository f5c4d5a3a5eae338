export {
  createServedPolicy,
  type ServedPolicy,
  type ServedPolicyCounts,
  type ServedPolicyOptions,
} from './served-policy.ts';
