/** Bundles the benchmark's page and worker, as an application would ship them. */
import { bundlePage } from '../tools/bundle-page.mjs';

/** @returns {Promise<{ root: string, entry: string }>} the folder to serve, and its page's module */
export function bundle() {
  return bundlePage('bench/page.ts');
}
