/** Each build's wasm is fetched and compiled once by a page or worker: doing that takes longer than most tests. */

const compiled: Map<string, Promise<WebAssembly.Module>> = new Map();

interface ModuleOptions {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
}

/** What an Emscripten module is created with, to be another instance of the same code. */
export function wasmAt(url: string): ModuleOptions {
  return {
    instantiateWasm(imports, done) {
      void instantiate(url, imports).then(({ instance, module }) => done(instance, module));
      // It says no more than that the exports come later.
      return {};
    },
  };
}

async function instantiate(url: string, imports: WebAssembly.Imports) {
  const compiling = compiled.get(url) ?? WebAssembly.compileStreaming(fetch(url));
  compiled.set(url, compiling);
  const module = await compiling;
  return { instance: await WebAssembly.instantiate(module, imports), module };
}
