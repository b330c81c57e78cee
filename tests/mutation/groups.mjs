/**
 * Which tests the mutants of which files are run against: in Node, and quick, for each mutant that
 * survives is run against all of them.
 */

/**
 * @typedef {object} Group
 * @property {readonly string[]} files names in the folder, without `.ts`
 * @property {readonly string[]} tests
 */

const SIM = [
  'tests/sim/snapshots.test.ts',
  'tests/sim/commit-idbtx.test.ts',
  'tests/sim/damage-store.test.ts',
];

/** @type {Readonly<Record<string, readonly Group[]>>} */
export const GROUPS = {
  // Codecs are pure: what only a crash of the store would show is not tested well.
  format: [{ files: ['*'], tests: ['tests/unit/format/*.test.ts'] }],
  blockstore: [
    // As pure as those.
    {
      files: [
        'bytes',
        'cache',
        'changes',
        'draft',
        'evidence',
        'live',
        'map',
        'readahead',
        'state',
        'told',
      ],
      tests: ['tests/unit/blockstore/*.test.ts'],
    },
    {
      files: ['prepare', 'segments', 'write-commit'],
      tests: [...SIM, 'tests/sim/blockstore-*.test.ts', 'tests/sim/fall-back.test.ts'],
    },
    {
      files: ['write-behind'],
      tests: ['tests/unit/blockstore/write-behind.test.ts'],
    },
    {
      files: ['committer'],
      tests: [
        'tests/sim/write-behind.test.ts',
        'tests/sim/blockstore-{commit,committer,files,volume}.test.ts',
        'tests/sim/snapshots.test.ts',
      ],
    },
    { files: ['compactor'], tests: ['tests/sim/compaction.test.ts'] },
    { files: ['inner-blocks'], tests: ['tests/sim/inner-blocks.test.ts'] },
    {
      files: ['bulk', 'residence'],
      tests: ['tests/sim/blockstore-bulk.test.ts', 'tests/sim/blockstore-residence.test.ts'],
    },
    {
      files: ['create', 'file', 'newer', 'recovered', 'volume'],
      tests: [
        'tests/sim/blockstore-{commit,fence,file,files,read,residence,volume}.test.ts',
        'tests/sim/recovery-files.test.ts',
        'tests/sim/write-behind.test.ts',
        'tests/sim/fall-back.test.ts',
      ],
    },
    { files: ['spill'], tests: ['tests/sim/blockstore-spill*.test.ts'] },
    {
      files: ['connection', 'opening', 'requests', 'watchdog'],
      tests: [
        'tests/unit/blockstore/watchdog.test.ts',
        'tests/sim/blockstore-{connection,opening}.test.ts',
      ],
    },
  ],
  recovery: [
    {
      files: ['decide', 'inquiry', 'scan', 'recover'],
      tests: [
        'tests/unit/recovery/*.test.ts',
        'tests/sim/fall-back.test.ts',
        'tests/sim/recovery-*.test.ts',
        ...SIM,
      ],
    },
    {
      files: ['verify', 'repair', 'rebuild'],
      tests: ['tests/sim/verify-*.test.ts'],
    },
    { files: ['gone', 'defect'], tests: ['tests/unit/recovery/*.test.ts'] },
    {
      files: ['aim', 'salvage', 'segment-scan', 'source'],
      tests: ['tests/sim/salvage-{aim,report,scan}.test.ts'],
    },
  ],
};

/**
 * The groups to run for one file of a folder, or for all of it.
 * @param {string} folder
 * @param {string | undefined} file
 * @returns {Group[]}
 */
export function groupsOf(folder, file) {
  const groups = GROUPS[folder];
  if (groups === undefined)
    throw new Error(`Not one of ${Object.keys(GROUPS).join(', ')}: ${folder}`);
  if (file === undefined) return [...groups];
  const group = groups.find(({ files }) => files.includes(file) || files.includes('*'));
  if (group === undefined) throw new Error(`No group of ${folder} has ${file} in it.`);
  return [{ ...group, files: [file] }];
}
