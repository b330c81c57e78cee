/** Imported first: takes the method of Atomics away that the worker's name says. */
const { name } = globalThis as { readonly name?: string };
if (name) Reflect.deleteProperty(Atomics, name);
