/** Plain output with colours and a moving progress bar where the terminal can show them. */

const isTerminal = process.stdout.isTTY === true;
const isColoured = isTerminal && !process.env['NO_COLOR'];
const NUMBER = new Intl.NumberFormat('en');
const BAR_CELLS = 32;
/** Without a terminal, progress is a line each time this share more is done. */
const LINE_SHARE = 0.25;

/** @param {number} code @returns {(text: string) => string} */
const style = (code) => (text) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = style(1);
export const dim = style(2);
export const green = style(32);
export const red = style(31);

/** @param {string} [text] */
export function line(text = '') {
  process.stdout.write(`${text}\n`);
}

/** @param {string} text */
export function heading(text) {
  line(`\n${bold(text)}`);
}

/** @param {number} value */
export function count(value) {
  return NUMBER.format(value);
}

/** @param {number} value in milliseconds */
export function duration(value) {
  return value < 1000
    ? `${value.toFixed(value < 10 ? 1 : 0)} ms`
    : `${(value / 1000).toFixed(1)} s`;
}

/** @param {number} value */
export function bytes(value) {
  return `${(value / 1e6).toFixed(1)} MB`;
}

/**
 * A progress bar, or a line now and then if the output is not a terminal.
 *
 * @param {number} total
 * @param {string} unit
 */
export function progressBar(total, unit) {
  let lastShare = 0;
  return {
    /** @param {number} done */
    show(done) {
      const share = Math.min(1, done / total);
      const text = `${count(done)} of ${count(total)} ${unit}`;
      if (isTerminal) {
        const full = Math.round(share * BAR_CELLS);
        const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
        process.stdout.write(`\r  ${bar} ${text}${share === 1 ? '\n' : ''}`);
      } else if (share === 1 || share - lastShare >= LINE_SHARE) {
        lastShare = share;
        line(`  ${text}`);
      }
    },
  };
}

/** @param {readonly (readonly [string, string])[]} rows */
export function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) line(`  ${name.padEnd(width)}  ${value}`);
}
