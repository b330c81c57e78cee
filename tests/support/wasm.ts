/**
 * Each build's wasm is compiled once by a page, worker or process: that takes longer than most tests.
 */

const compiled: Map<string, Promise<WebAssembly.Module>> = new Map();

interface ModuleOptions {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
}

/** What an Emscripten module is created with, to be another instance of the same code. */
export async function wasmAt(
  url: string,
  compile: (url: string) => Promise<WebAssembly.Module> = fetched,
): Promise<ModuleOptions> {
  const compiling = compiled.get(url) ?? compile(url);
  compiled.set(url, compiling);
  const module = await compiling;
  return {
    instantiateWasm(imports, done) {
      void WebAssembly.instantiate(module, imports).then((instance) => done(instance, module));
      // It says no more than that the exports come later.
      return {};
    },
  };
}

function fetched(url: string): Promise<WebAssembly.Module> {
  return WebAssembly.compileStreaming(fetch(url));
}
