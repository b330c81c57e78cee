// The popup, or any page of the extension: the database is its service worker's.
const { runtime } = /** @type {any} */ (globalThis).chrome;
document.body.textContent = await runtime.sendMessage('visit');
