/** What the workers of other libraries have in common: they write a database and close it. */

interface Write {
  readonly type: 'write';
  readonly name: string;
  readonly statements: readonly string[];
}

export function servePeer(
  write: (name: string, statements: readonly string[]) => Promise<void>,
): void {
  addEventListener('message', ({ data }: MessageEvent<Write>) => {
    if (data.type !== 'write') return;
    write(data.name, data.statements).then(
      () => postMessage({ type: 'written' }),
      (error: unknown) => postMessage({ type: 'failed', message: String(error) }),
    );
  });
}
