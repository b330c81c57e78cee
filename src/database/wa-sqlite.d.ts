/** The builds that are imported by name; the package declares only some of them. */
declare module '@journeyapps/wa-sqlite/dist/*.mjs' {
  export default function createModule(config?: object): Promise<object>;
}
