/** Native SQLite, asked by a test in the browser. */
import { commands } from 'vitest/browser';
import type { NativeContent } from './native-file.ts';

export async function nativeMade(sql: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = atob(await commands.nativeMade(sql));
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export async function nativeContent(bytes: Uint8Array): Promise<NativeContent> {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return await commands.nativeContent(btoa(text));
}
