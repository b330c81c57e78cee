/** Bundles the benchmark's page and worker, as an application would ship them. */
import { bundlePage } from '../tools/bundle-page.mjs';

/**
 * @param {{ minify: boolean }} options a profile wants names
 * @returns {Promise<{ root: string, entry: string }>} the folder to serve, and its page's module
 */
export function bundle({ minify }) {
  return bundlePage('bench/page.ts', { minify });
}
