import { fileURLToPath } from 'node:url';

export default {
  mode: 'production',
  entry: fileURLToPath(new URL('main.js', import.meta.url)),
  output: { path: fileURLToPath(new URL('dist', import.meta.url)), filename: 'main.js' },
};
