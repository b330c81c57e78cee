// SQLite runs in a worker, so the page stays smooth, and blocks there for the shared engine, so it is fast.
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => {
  document.body.textContent = data;
};
