/** How long a test waits for the writer lock unless it is about that wait. */
export const PATIENT = {
  /** Longer than another page takes to hand the writer lock over, however busy the machine is. */
  busyTimeoutMs: 60_000,
  /** Longer than that: a lock that its holder keeps is SQLITE_BUSY, and is not stolen instead. */
  stealAfterMs: 600_000,
} as const;
