/** Contexts that want one writer lock, in one thread, with a clock that is set by hand. */
import { SimulatedLocks } from '../../src/testing/index.js';
import type { RoleChannel, RoleWord } from '../../src/vfs/role-channel.js';
import {
  type RoleDeps,
  type WriterChange,
  type WriterPolicy,
  WriterRole,
} from '../../src/vfs/writer-role.js';

export const STEAL_AFTER_MS = 5000;
const NAME = 'writer';

interface Armed {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** One context. Deaf, it hears nothing of what others say, as one that is frozen or computes. */
export class RoleContext {
  readonly role: WriterRole;
  readonly changes: WriterChange[] = [];
  thefts = 0;
  #isDeaf = false;
  #missed: RoleWord[] = [];
  #heard: (word: RoleWord) => void = () => undefined;

  constructor(lab: RoleLab, deps: Partial<RoleDeps>) {
    const channel: RoleChannel = {
      hears: true,
      say: (_name, word) => lab.say(this, word),
      listen: (_name, heard) => {
        this.#heard = heard;
        return () => {
          this.#heard = () => undefined;
        };
      },
    };
    this.role = new WriterRole({
      locks: lab.locks,
      name: NAME,
      channel,
      policy: 'until-asked',
      stealAfterMs: STEAL_AFTER_MS,
      timer: (ms, callback) => lab.arm(ms, callback),
      monotonicMs: () => lab.nowMs,
      onChange: (why) => this.changes.push(why),
      unlanded: () => undefined,
      uncovered: () => undefined,
      ...deps,
    });
    this.role.onstolen = () => this.thefts++;
  }

  hear(word: RoleWord): void {
    if (this.#isDeaf) this.#missed.push(word);
    else this.#heard(word);
  }

  freeze(): void {
    this.#isDeaf = true;
  }

  thaw(): void {
    this.#isDeaf = false;
    for (const word of this.#missed.splice(0)) this.#heard(word);
  }
}

export class RoleLab {
  readonly locks: LockManager = new SimulatedLocks() as unknown as LockManager;
  nowMs = 0;
  /** Everything that was said. */
  readonly said: RoleWord[] = [];
  readonly #contexts: RoleContext[] = [];
  readonly #armed = new Set<Armed>();

  context(deps: Partial<RoleDeps> & { readonly policy?: WriterPolicy } = {}): RoleContext {
    const context = new RoleContext(this, deps);
    this.#contexts.push(context);
    return context;
  }

  say(speaker: RoleContext, word: RoleWord): void {
    this.said.push(word);
    for (const context of this.#contexts) {
      if (context !== speaker) setImmediate(() => context.hear(word));
    }
  }

  arm(ms: number, callback: () => void): () => void {
    const armed = { dueMs: this.nowMs + ms, callback };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /** Lets `ms` pass, with everything that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await quiet();
    for (;;) {
      const next = [...this.#armed].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.#armed.delete(next);
      next.callback();
      await quiet();
    }
    this.nowMs = endMs;
  }

  /** The same time, in which no timer runs: every context stood still. */
  standStill(ms: number): void {
    this.nowMs += ms;
  }
}

/** Resolves when all that was begun has gone as far as it goes without the clock. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}
