/** What the page and its worker say to each other. */
import type { EngineChoice, OpenOptions, Persistence, VFSStats } from '../src/index.ts';

export interface Opening {
  readonly engine: NonNullable<OpenOptions['engine']>;
  readonly durability: 'strict' | 'relaxed' | 'deferred';
}

export interface Opened {
  readonly engine: EngineChoice;
  readonly durability: string;
  readonly persistence: Persistence;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly changes: number;
  readonly durationMs: number;
}

/** The pages of the file: where each one's newest version lies. */
export interface Blocks {
  readonly version: number;
  readonly versions: Float64Array;
  readonly segments: Float64Array;
}

/** The worker's calls, by name. */
export interface Calls {
  open(options: Opening): Promise<Opened>;
  run(sql: string): Promise<Table>;
  loadCities(): Promise<number>;
  /** Never ends by itself: it goes on until the worker is killed. */
  rewriteForEver(): Promise<never>;
  stats(): Promise<VFSStats>;
  blocks(): Promise<Blocks>;
  exportFile(): Promise<Blob>;
  importFile(file: Blob): Promise<string>;
  verify(): Promise<string>;
  close(): Promise<void>;
}

export type CallName = keyof Calls;

export interface CallMessage {
  readonly id: number;
  readonly name: CallName;
  readonly args: readonly unknown[];
}

export type WorkerMessage =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  | { readonly type: 'event'; readonly name: string; readonly text: string }
  | { readonly type: 'commit'; readonly durationMs: number };
