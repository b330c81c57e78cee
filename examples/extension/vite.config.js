import { fileURLToPath } from 'node:url';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

// The manifest is in public/, which Vite copies as it is.
export default {
  build: {
    rolldownOptions: {
      // The worker is an entry of its own, whose name the manifest says.
      input: { main: here('index.html'), worker: here('worker.js') },
      output: { entryFileNames: '[name].js' },
    },
  },
};
