import { fileURLToPath } from 'node:url';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

export default {
  build: {
    rolldownOptions: {
      // The worker is an entry of its own, whose name stays.
      input: { main: here('index.html'), worker: here('worker.js') },
      output: { entryFileNames: '[name].js' },
    },
  },
};
