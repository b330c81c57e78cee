/** A small writer of line charts as SVG. */

const WIDTH = 780;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 276;
const TOP = 52;
const BOTTOM = 48;
const COLORS = [
  '#1b6ac9',
  '#d1495b',
  '#2e8b57',
  '#c77d0a',
  '#7a4fb5',
  '#4c4c4c',
  '#0a9396',
  '#ae2012',
];
const LINEAR_TICKS = 5;
const FONT = 'font-family="system-ui, sans-serif"';

/**
 * @typedef {{ name: string, points: readonly (readonly [x: number, y: number])[] }} Series
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} xTitle
 * @property {string} yTitle
 * @property {'linear' | 'log'} xScale
 * @property {'linear' | 'log'} yScale
 * @property {readonly Series[]} series
 */

/** @param {Chart} chart @returns {string} */
export function svgOf({ title, xTitle, yTitle, xScale, yScale, series }) {
  const points = series.flatMap(({ points }) => points);
  const x = axis(
    points.map(([value]) => value),
    { scale: xScale, from: LEFT, to: WIDTH - RIGHT },
  );
  const y = axis(
    points.map(([, value]) => value),
    { scale: yScale, from: HEIGHT - BOTTOM, to: TOP },
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${FONT} font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(title, { x: LEFT, y: 22, size: 15 }),
    ...x.ticks.flatMap((tick) => [
      line([x.at(tick), TOP], [x.at(tick), HEIGHT - BOTTOM]),
      text(label(tick), { x: x.at(tick), y: HEIGHT - BOTTOM + 16, anchor: 'middle' }),
    ]),
    ...y.ticks.flatMap((tick) => [
      line([LEFT, y.at(tick)], [WIDTH - RIGHT, y.at(tick)]),
      text(label(tick), { x: LEFT - 6, y: y.at(tick) + 4, anchor: 'end' }),
    ]),
    text(xTitle, { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 10, anchor: 'middle' }),
    text(yTitle, { x: LEFT, y: TOP - 6 }),
    ...series.flatMap((one, i) => seriesOf(one, { x, y, i })),
    '</svg>\n',
  ].join('\n');
}

/** @typedef {ReturnType<typeof axis>} Axis */

/**
 * @param {readonly number[]} values
 * @param {{ scale: 'linear' | 'log', from: number, to: number }} options from, to: in pixels
 */
function axis(values, { scale, from, to }) {
  const ticks = scale === 'log' ? logTicks(values) : linearTicks(values);
  const of = scale === 'log' ? Math.log : (/** @type {number} */ value) => value;
  const [first, last] = [of(ticks[0] ?? 0), of(ticks.at(-1) ?? 1)];
  return {
    ticks,
    /** @param {number} value */
    at: (value) => from + ((of(value) - first) / (last - first)) * (to - from),
  };
}

/** Powers of ten around the values, with a two and a five between where there are few. @param {readonly number[]} values */
function logTicks(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const steps = high / low > 1000 ? [1, 10] : [1, 2, 5, 10];
  /** @type {number[]} */
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const step of steps) all.push(step * 10 ** power);
  }
  const ticks = [...new Set(all.map((tick) => Number(tick.toPrecision(1))))];
  const begin = ticks.findLastIndex((tick) => tick <= low);
  const end = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(begin, 0), end === -1 ? undefined : Math.max(end, begin + 1) + 1);
}

/** From zero. @param {readonly number[]} values */
function linearTicks(values) {
  const rough = Math.max(...values) / LINEAR_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((times) => times * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(Math.max(...values) / step) + 1 }, (_, i) => i * step);
}

/** @param {Series} series @param {{ x: Axis, y: Axis, i: number }} place */
function seriesOf({ name, points }, { x, y, i }) {
  const color = COLORS[i % COLORS.length];
  const at = points.map(([px, py]) => [x.at(px).toFixed(1), y.at(py).toFixed(1)]);
  const row = TOP + 8 + i * 18;
  const dots = points.length > 20 ? [] : at;
  return [
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${at.map((pair) => pair.join(',')).join(' ')}"/>`,
    ...dots.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${color}"/>`),
    `<rect x="${WIDTH - RIGHT + 12}" y="${row - 9}" width="10" height="10" fill="${color}"/>`,
    text(name, { x: WIDTH - RIGHT + 28, y: row }),
  ];
}

/** @param {readonly [number, number]} from @param {readonly [number, number]} to */
function line([x1, y1], [x2, y2]) {
  return `<path d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}" stroke="#ddd"/>`;
}

/** @param {string} content @param {{ x: number, y: number, anchor?: string, size?: number }} place */
function text(content, { x, y, anchor = 'start', size = 12 }) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escaped}</text>`;
}

/** @param {number} value */
function label(value) {
  return value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(2)));
}
