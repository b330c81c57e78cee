/**
 * How contexts that want a writer lock speak with the one that holds it, over one BroadcastChannel for
 * each volume.
 *
 *   ask   who waits for the lock, again and again
 *   busy  the holder: it lives, and does not hand the lock over at once
 *
 * News of commits and wishes for pins go over it too (commit-news.ts, snapshot-pins.ts).
 *
 * Chromium tells a frozen window what others say, though nothing else in it goes on: it lets go of what
 * it can, and does not say that it lives. A page that was left is dropped from the back/forward cache when
 * something is said to it: it does not listen until it is shown again.
 */
import type { NewsWord } from './commit-news.js';
import type { PinWord } from './snapshot-pins.js';

export type RoleWord = 'ask' | 'busy';

export interface RoleChannel {
  /** Tells every other context. */
  say(name: string, word: RoleWord): void;
  /** Calls `heard` when another context says something about the lock `name`. */
  listen(name: string, heard: (word: RoleWord) => void): () => void;
  /** False if others cannot be heard: then no lock is kept longer than needed, and none is stolen. */
  readonly hears: boolean;
}

/** Everything that contexts say to each other. */
type Word = RoleWord | NewsWord | PinWord;

interface Message {
  readonly name: string;
  readonly word: Word;
}

/** Deaf where the context has no BroadcastChannel. */
export class BroadcastRoleChannel implements RoleChannel {
  readonly #name: string;
  #channel: BroadcastChannel | undefined;
  readonly #listeners: Map<string, Set<(word: Word) => void>> = new Map();
  readonly #closed = new AbortController();
  #isFrozen = false;
  /** Called when it listens again: what was said meanwhile was not heard. */
  onreopened: (() => void) | undefined;

  constructor(name: string) {
    this.#name = name;
    if (typeof BroadcastChannel === 'undefined') return;
    const { signal } = this.#closed;
    for (const type of ['freeze', 'resume']) {
      const heed = () => {
        this.#isFrozen = type === 'freeze';
      };
      globalThis.document?.addEventListener(type, heed, { signal });
    }
    if (globalThis.document) {
      globalThis.addEventListener('pagehide', () => this.#shut(), { signal });
      globalThis.addEventListener('pageshow', () => this.#reopen(), { signal });
    }
    this.#open();
  }

  #open(): void {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: MessageEvent<Partial<Message> | null>) => {
      const { name, word } = data ?? {};
      if (name === undefined || word === undefined) return;
      for (const heard of this.#listeners.get(name) ?? []) heard(word);
    };
  }

  #shut(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  #reopen(): void {
    if (this.#channel) return;
    this.#open();
    this.onreopened?.();
  }

  get hears(): boolean {
    return this.#channel !== undefined;
  }

  say(name: string, word: Word): void {
    if (this.#isFrozen && word === 'busy') return;
    this.#channel?.postMessage({ name, word } satisfies Message);
  }

  /** A name is of one kind of word. */
  listen<W extends Word>(name: string, heard: (word: W) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    const listener = (word: Word) => heard(word as W);
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  close(): void {
    this.#closed.abort();
    this.#shut();
  }
}
