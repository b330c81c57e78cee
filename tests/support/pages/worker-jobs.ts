/** A worker of any kind answers jobs, each with one report. */

/** Calls `work` for each job. An error becomes the report `{ error }`. */
export function answerJobs<J>(work: (job: J) => Promise<unknown>): void {
  const serve = async (job: J, reply: (report: unknown) => void) => {
    reply(await work(job).catch((cause: unknown) => ({ error: String(cause) })));
  };
  /** A dedicated worker gets its job itself; the others by a port, as a connection or in a message. */
  globalThis.addEventListener('message', (event) => {
    const { data, ports } = event as MessageEvent<J>;
    const target = ports[0] ?? (globalThis as object as Worker);
    serve(data, (report) => target.postMessage(report)).catch(() => undefined);
  });
  globalThis.addEventListener('connect', (event) => {
    const [port] = (event as MessageEvent).ports;
    if (!port) return;
    port.onmessage = ({ data }: MessageEvent<J>) => {
      serve(data, (report) => port.postMessage(report)).catch(() => undefined);
    };
  });
}
