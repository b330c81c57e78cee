/** What the page of the demo tells run.mjs, and is told by it. */
import type { RawVolume } from '../tools/raw-volume.js';

export const VOLUME = 'demo';
export const PATH = 'cities.db';

/** Where the update is to be killed; 'never' lets it end. */
export type KillPoint = 'mid-spill' | 'before-record' | 'at-commit' | 'never';

export interface Recovery {
  /** Before anything was opened. */
  readonly before: RawVolume | undefined;
  readonly after: RawVolume | undefined;
  readonly version: number;
  readonly foundAbove: boolean;
  readonly deletedAbove: boolean;
  readonly recoveryMs: number;
  /** From creating the SQLite module to the first row read, recovery included. */
  readonly openMs: number;
}

export interface Check {
  readonly integrity: string;
  /** One per census found, with the rows that bear it: one row if all or none of the update is there. */
  readonly censuses: readonly { readonly census: number; readonly rows: number }[];
  readonly population: number;
  readonly integrityMs: number;
}

export interface Update {
  readonly statementMs: number;
  readonly commitMs: number;
}

export interface Answer {
  readonly question: string;
  readonly rows: readonly (readonly [string, string])[];
  readonly durationMs: number;
}

export interface End {
  readonly build: string;
  /** Of SQLite. */
  readonly version: string;
  readonly databaseBytes: number;
  readonly raw: RawVolume | undefined;
}
