/** Workers of each kind, asked one job. */

function answerOf<R>(target: Worker | MessagePort): Promise<R> {
  return new Promise((resolve) => {
    target.onmessage = ({ data }: MessageEvent<R>) => resolve(data);
  });
}

export async function askDedicatedWorker<R>(
  url: URL,
  job: unknown,
  start: typeof Worker = Worker,
): Promise<R> {
  const worker = new start(url, { type: 'module' });
  worker.postMessage(job);
  const answer = await answerOf<R>(worker);
  worker.terminate();
  return answer;
}

export async function askSharedWorker<R>(url: URL, job: unknown): Promise<R> {
  const { port } = new SharedWorker(url, { type: 'module' });
  const answer = answerOf<R>(port);
  port.postMessage(job);
  const report = await answer;
  port.close();
  return report;
}

export async function askServiceWorker<R>(url: URL, job: unknown): Promise<R> {
  const registration = await navigator.serviceWorker.register(url, { type: 'module' });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const { port1, port2 } = new MessageChannel();
  const answer = answerOf<R>(port1);
  worker?.postMessage(job, [port2]);
  const report = await answer;
  await registration.unregister();
  return report;
}
