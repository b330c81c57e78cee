/** Databases that pages of kill trials sent, until their trial is judged. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SHAPES } from './kill-model.ts';
import { type NativeFound, nativeFound } from './kill-native.ts';
import type { Trial } from './kill-plan.ts';

export class Exports {
  readonly #images: Map<string, Buffer> = new Map();

  receive(request: IncomingMessage, response: ServerResponse): void {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.#images.set(keyOf(query.get('trial'), query.get('path')), Buffer.concat(chunks));
      response.writeHead(204).end();
    });
  }

  /** What native SQLite says of a trial's databases, and forgets them. */
  take({ id, workload, seed }: Trial, steps: number): Map<string, NativeFound> {
    const found = new Map<string, NativeFound>();
    for (const [database, path] of SHAPES[workload].paths.entries()) {
      const key = keyOf(String(id), path);
      const image = this.#images.get(key);
      if (image) found.set(path, nativeFound(image, { workload, seed, steps, database }));
      this.#images.delete(key);
    }
    return found;
  }
}

function keyOf(trial: string | null, path: string | null): string {
  return `${trial}/${path}`;
}
