/**
 * A stream of what a generator yields, made as it is asked for.
 *
 * The generator first yields nothing, when it has what it will read from: that it does at once. It ends
 * what it has begun in its own `finally`, also if the stream is cancelled.
 */
export function chunkStream(
  chunks: AsyncGenerator<Uint8Array | undefined, void>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async start() {
        await chunks.next();
      },
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else if (value) controller.enqueue(value);
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
