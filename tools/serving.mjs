/** What every page of this project is served with; without the headers there is no SharedArrayBuffer. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Packages that find their .wasm beside their own module, so Vite must not bundle them. */
export const WASM_PACKAGES = ['wa-sqlite', 'wa-sqlite-legacy'];
