export default {
  // What the shared engine needs; without them IDBBlockVFS is taken.
  server: { headers: isolation() },
  preview: { headers: isolation() },
  worker: { format: 'es' },
};

function isolation() {
  return {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
}
