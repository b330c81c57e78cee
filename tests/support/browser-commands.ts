/** Commands that a browser test can ask the Node side for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserCommand } from 'vitest/node';

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Whether a file below the profile's IndexedDB folder contains this ASCII text. */
    profileContains(text: string): Promise<boolean>;
  }
}

export function profileContains(profileDir: string): BrowserCommand<[text: string]> {
  return (_context, text): boolean => {
    const root = join(profileDir, 'Default', 'IndexedDB');
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(text));
  };
}
