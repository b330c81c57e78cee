/** Commands that a browser test can ask the Node side for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserCommand } from 'vitest/node';
import { type NativeContent, nativeContent, nativeMade } from './native-file.ts';

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Whether a file below the profile's IndexedDB folder contains this ASCII text. */
    profileContains(text: string): Promise<boolean>;
    /** A file that native SQLite makes, in base64. */
    nativeMade(sql: string): Promise<string>;
    /** What native SQLite finds in a file, given in base64. */
    nativeContent(base64: string): Promise<NativeContent>;
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

export const nativeCommands: {
  readonly nativeMade: BrowserCommand<[sql: string]>;
  readonly nativeContent: BrowserCommand<[base64: string]>;
} = {
  nativeMade: (_context, sql) => Buffer.from(nativeMade(sql)).toString('base64'),
  nativeContent: (_context, base64) => nativeContent(Buffer.from(base64, 'base64')),
};
