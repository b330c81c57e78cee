/** The simulation's classes as globals, for code that tests `instanceof`, as `idb` does. */
import { afterAll, beforeAll } from 'vitest';
import { installGlobals } from '../../src/testing/index.js';

/** Has them while the tests of a file, or of the `describe` that it is called in, run. */
export function useGlobals(): void {
  let uninstall: () => void;
  beforeAll(() => {
    uninstall = installGlobals();
  });
  afterAll(() => uninstall());
}
