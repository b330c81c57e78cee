/**
 * `npm start [-- --port n]`: serves the page to look at, at 127.0.0.1 on a free port unless one is given, with the headers that the shared
 * engine needs.
 */
import { parseArgs } from 'node:util';
import { startSite } from './serve.mjs';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const { url } = await startSite({ port: Number(values.port) });
process.stdout.write(`Open ${url} in a browser. Ctrl+C ends it.\n`);
