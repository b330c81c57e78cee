const url = new URL('worker.js', document.baseURI);
const registration = await navigator.serviceWorker.register(url, { type: 'module' });
const worker = registration.active ?? registration.waiting ?? registration.installing;
const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => {
  document.body.textContent = data;
};
worker?.postMessage('visit', [port2]);
