/** Every browser suite on every target: `npm run test:browsers` (docs/TESTING.md, "Browsers"). */
import { defineConfig } from 'vitest/config';
import { targetProject } from './tests/support/browsers/project.ts';
import { TARGET_NAMES } from './tests/support/browsers/targets.ts';

export default defineConfig({
  test: {
    projects: TARGET_NAMES.map((target) =>
      targetProject(target, {
        name: `on-${target}`,
        include: ['tests/browser/**/*.test.ts', 'tests/regress/**/*.test.ts'],
      }),
    ),
  },
});
