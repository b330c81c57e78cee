/** Each build's wasm is fetched and compiled once by a page or worker: doing that takes longer than most tests. */

const compiled: Map<string, Promise<WebAssembly.Module>> = new Map();

interface ModuleOptions {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
}

/** What an Emscripten module is created with, to be another instance of the same code. */
export async function wasmAt(url: string): Promise<ModuleOptions> {
  const module = await compile(url);
  return {
    instantiateWasm(imports, done) {
      void WebAssembly.instantiate(module, imports).then((instance) => done(instance, module));
      // It says no more than that the exports come later.
      return {};
    },
  };
}

function compile(url: string): Promise<WebAssembly.Module> {
  const known = compiled.get(url);
  if (known !== undefined) return known;
  const compiling = WebAssembly.compileStreaming(fetch(url));
  compiled.set(url, compiling);
  return compiling;
}
