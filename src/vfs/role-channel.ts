/**
 * How contexts that want a writer lock speak with the one that holds it, over one BroadcastChannel for
 * each volume.
 *
 *   ask   who waits for the lock, again and again
 *   busy  the holder: it lives, and does not hand the lock over at once
 */

export type RoleWord = 'ask' | 'busy';

export interface RoleChannel {
  /** Tells every other context. */
  say(name: string, word: RoleWord): void;
  /** Calls `heard` when another context says something about the lock `name`. */
  listen(name: string, heard: (word: RoleWord) => void): () => void;
  /** False if others cannot be heard: then no lock is kept longer than needed, and none is stolen. */
  readonly hears: boolean;
}

interface RoleMessage {
  readonly name: string;
  readonly word: RoleWord;
}

/** Deaf where the context has no BroadcastChannel. */
export class BroadcastRoleChannel implements RoleChannel {
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners: Map<string, Set<(word: RoleWord) => void>> = new Map();

  constructor(name: string) {
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Partial<RoleMessage> | null>) => {
      const { name, word } = data ?? {};
      if (name === undefined || word === undefined) return;
      for (const heard of this.#listeners.get(name) ?? []) heard(word);
    };
  }

  get hears(): boolean {
    return this.#channel !== undefined;
  }

  say(name: string, word: RoleWord): void {
    this.#channel?.postMessage({ name, word } satisfies RoleMessage);
  }

  listen(name: string, heard: (word: RoleWord) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(heard));
    return () => listeners.delete(heard);
  }

  close(): void {
    this.#channel?.close();
  }
}
