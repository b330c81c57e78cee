/** Commands that a browser test can ask the Node side for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { BrowserCommand } from 'vitest/node';
import { type NativeContent, nativeContent, nativeMade } from './native-file.ts';

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** Whether a file that holds the profile's IndexedDB contains this ASCII text. */
    profileContains(text: string): Promise<boolean>;
    /** A file that native SQLite makes, in base64. */
    nativeMade(sql: string): Promise<string>;
    /** What native SQLite finds in a file, given in base64. */
    nativeContent(base64: string): Promise<NativeContent>;
  }
}

/** @param store paths of those files, within the profile */
export function profileContains(profileDir: string, store: RegExp): BrowserCommand<[string]> {
  const isOfStore = (path: string) => store.test(relative(profileDir, path).split(sep).join('/'));
  return (_context, text): boolean =>
    readdirSync(profileDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(isOfStore)
      .some((path) => readFileSync(path).includes(text));
}

export const nativeCommands: {
  readonly nativeMade: BrowserCommand<[sql: string]>;
  readonly nativeContent: BrowserCommand<[base64: string]>;
} = {
  nativeMade: (_context, sql) => Buffer.from(nativeMade(sql)).toString('base64'),
  nativeContent: (_context, base64) => nativeContent(Buffer.from(base64, 'base64')),
};
