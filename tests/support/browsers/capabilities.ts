/** What some tests need and not every browser has. */

export type Capability =
  | 'JSPI'
  | 'SharedArrayBuffer'
  | 'StorageManager'
  | 'OPFS'
  | 'isolation by policy';

/** What the browser that this runs in can do. */
const HERE: Readonly<Record<Capability, () => boolean>> = {
  JSPI: () => 'Suspending' in WebAssembly && 'promising' in WebAssembly,
  SharedArrayBuffer: () => 'SharedArrayBuffer' in globalThis,
  StorageManager: () => 'storage' in navigator,
  OPFS: () => 'storage' in navigator && 'getDirectory' in navigator.storage,
  'isolation by policy': () => {
    const { featurePolicy } = document as { featurePolicy?: { features(): string[] } };
    return featurePolicy?.features().includes('cross-origin-isolated') ?? false;
  },
};

export function lacking(): Capability[] {
  return (Object.keys(HERE) as Capability[]).filter((capability) => !has(capability));
}

export function has(capability: Capability): boolean {
  return HERE[capability]();
}

/** What a build of an engine cannot do without. */
export function needOf(build: string): Capability | undefined {
  if (build === 'jspi') return 'JSPI';
  return build.endsWith('shared') ? 'SharedArrayBuffer' : undefined;
}

/** Those of the builds that run in this browser. */
export function runnable<B extends string>(builds: readonly B[]): readonly B[] {
  return builds.filter((build) => {
    const need = needOf(build);
    return need === undefined || has(need);
  });
}
