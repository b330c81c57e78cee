/** The two pictures: pages of the file, and how long commits took. */
import type { Blocks } from './protocol.ts';

const GAP = 1;
const SQUARE_MAX = 14;
const HUE_STEP = 137.5;

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = globalThis.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser draws nothing');
  return context;
}

/** The greatest side at which so many squares fit. */
function squareFor(count: number, { width, height }: HTMLCanvasElement): number {
  for (let side = SQUARE_MAX; side > 1; side--) {
    if (Math.floor(width / side) * Math.floor(height / side) >= count) return side;
  }
  return 1;
}

export function drawBlocks(canvas: HTMLCanvasElement, blocks: Blocks): void {
  const context = contextOf(canvas);
  const count = blocks.versions.length;
  canvas.ariaLabel = `${count} pages at version ${blocks.version}`;
  const side = squareFor(count, canvas);
  const perRow = Math.floor(canvas.width / side);
  const gap = side > 4 ? GAP : 0;
  for (let block = 0; block < count; block++) {
    const version = blocks.versions[block] ?? 0;
    if (version === 0) continue;
    // Recent ones stand out, also in a file with thousands of versions.
    const age = Math.log2(1 + blocks.version - version);
    const light = Math.max(30, 68 - age * 4);
    const hue = ((blocks.segments[block] ?? 0) * HUE_STEP) % 360;
    context.fillStyle = `hsl(${hue} 65% ${light}%)`;
    const x = (block % perRow) * side;
    const y = Math.floor(block / perRow) * side;
    context.fillRect(x, y, Math.max(1, side - gap), Math.max(1, side - gap));
  }
}

export function drawLatency(canvas: HTMLCanvasElement, latencies: readonly number[]): void {
  const context = contextOf(canvas);
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const most = Math.max(1, ...latencies);
  context.font = `${12 * (globalThis.devicePixelRatio || 1)}px system-ui`;
  context.fillStyle = style.outlineColor;
  context.fillText(`${most.toFixed(1)} ms`, 6, 18);
  const step = width / Math.max(60, latencies.length);
  context.fillStyle = style.color;
  for (const [i, latency] of latencies.entries()) {
    const bar = Math.max(2, (latency / most) * (height - 28));
    context.fillRect(i * step, height - bar, Math.max(1, step - 1), bar);
  }
  const sorted = [...latencies].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  canvas.ariaLabel = median === undefined ? 'no commit yet' : `median ${median.toFixed(2)} ms`;
}
