import { register } from 'node:module';
import { getGradient } from '@tensorflow/tfjs-core';

/**
 * tfjs-core publishes its gradients only as ES modules without file extensions, which Node does not resolve. This hook
 * completes those paths, for that one package.
 */
const hook = `
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const inside = (url) => typeof url === 'string' && url.includes('/@tensorflow/tfjs-core/dist/');
export async function resolve(specifier, context, next) {
  if (!specifier.startsWith('.') || !inside(context.parentURL)) return next(specifier, context);
  const url = new URL(specifier, context.parentURL);
  if (!specifier.endsWith('.js')) url.pathname += existsSync(fileURLToPath(url) + '.js') ? '.js' : '/index.js';
  return { url: url.href, format: 'module', shortCircuit: true };
}
export async function load(url, context, next) {
  const module = inside(url) && context.format !== 'commonjs' && !url.includes('tf-core.');
  return next(url, module ? { ...context, format: 'module' } : context);
}`;

const entry = '@tensorflow/tfjs-core/dist/register_all_gradients.js';

/**
 * Registers the gradients of tfjs-core's own kernels, which its Node build leaves out; further calls do nothing.
 *
 * @example
 * await registerGradients();
 * tf.grad((x) => tf.square(x))(tf.scalar(3)); // 6
 */
export async function registerGradients(): Promise<void> {
  if (getGradient('Add') != null) return;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
  await import(/* @vite-ignore */ entry);
}
