// Every tab talks to one SharedWorker, which has the only connection. Where there is no SharedWorker
// (Chrome on Android), open the database in each tab: one writes at a time, all read.
const { port } = new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module' });
port.onmessage = ({ data }) => {
  document.body.textContent = data;
};
port.postMessage('visit');
