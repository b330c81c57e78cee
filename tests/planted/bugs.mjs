/**
 * Bugs that storage engines are known for, each as a change of this one's source, and the tests that
 * must catch it.
 */

/**
 * @typedef {object} Bug
 * @property {string} name
 * @property {readonly import('./plant.mjs').Edit[]} edits
 * @property {readonly string[]} tests files, all of which may be needed to catch it
 * @property {RegExp} [only] the tests of these files to run, where the rest takes long
 */

const CRASH = 'tests/sim/crash-store.test.ts';
const BEHIND = 'tests/sim/write-behind.test.ts';
const SHAPE = 'tests/sim/commit-idbtx.test.ts';
const SNAPSHOTS = 'tests/sim/snapshots.test.ts';
const DAMAGE = 'tests/sim/damage-store.test.ts';

const ADD_COMMIT_RECORD =
  "r.add('commits', commitKey(record.file, record.version), commit.encoded);";
const SEND = 'return await send(r, commits, options);';
const BEGIN = 'const r = await connection.begin(storesOf(commits), options.durability);';

const WRITE_MARKERS = `await connection.write(['commits'], options.durability, (m) => {
  for (const { record, encoded } of commits) {
    m.add('commits', commitKey(record.file, record.version), encoded);
  }
  m.tx.commit();
});`;

/** @type {readonly Bug[]} */
export const BUGS = [
  {
    name: 'marker in its own idbTx',
    edits: [
      { file: 'blockstore/write-commit.ts', find: ADD_COMMIT_RECORD, replace: '' },
      {
        file: 'blockstore/write-commit.ts',
        find: SEND,
        replace: `await send(r, commits, options); ${WRITE_MARKERS} return;`,
      },
    ],
    tests: [CRASH],
  },
  {
    name: 'marker first, in its own idbTx',
    edits: [
      { file: 'blockstore/write-commit.ts', find: ADD_COMMIT_RECORD, replace: '' },
      { file: 'blockstore/write-commit.ts', find: BEGIN, replace: `${WRITE_MARKERS} ${BEGIN}` },
    ],
    tests: [CRASH],
  },
  {
    name: 'marker first, in the idbTx of the rest',
    edits: [
      { file: 'blockstore/write-commit.ts', find: ADD_COMMIT_RECORD, replace: '' },
      {
        file: 'blockstore/write-commit.ts',
        find: 'const { record, checkpoint } = commit;',
        replace: `const { record, checkpoint } = commit; ${ADD_COMMIT_RECORD}`,
      },
    ],
    tests: [SHAPE],
  },
  {
    name: 'resolve on request success',
    edits: [
      {
        file: 'blockstore/write-commit.ts',
        find: ADD_COMMIT_RECORD,
        replace: `r.add('commits', commitKey(record.file, record.version), commit.encoded).onsuccess =
          () => r.tx.oncomplete?.(new Event('complete'));`,
      },
    ],
    tests: [SHAPE],
  },
  {
    name: 'no abort handler',
    edits: [{ file: 'blockstore/requests.ts', find: 'tx.onabort =', replace: 'tx.onerror =' }],
    tests: [SHAPE],
  },
  {
    name: 'put instead of add (no fence)',
    edits: [
      {
        file: 'blockstore/write-commit.ts',
        find: "r.add('segments', segmentKey(",
        replace: "r.put('segments', segmentKey(",
      },
      {
        file: 'blockstore/write-commit.ts',
        find: ADD_COMMIT_RECORD,
        replace: ADD_COMMIT_RECORD.replace('add', 'put'),
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'checksum without block number',
    edits: [
      { file: 'format/checksum.ts', find: 'id.block | 0', replace: '0' },
      { file: 'format/checksum.ts', find: 'crc = crcWord(crc, id.block);', replace: '' },
    ],
    tests: [DAMAGE],
  },
  {
    name: 'checksum without version',
    edits: [
      { file: 'format/checksum.ts', find: '(id.version % TWO_32) | 0', replace: '0' },
      {
        file: 'format/checksum.ts',
        find: 'crc = crcWord(crc, id.version % TWO_32);',
        replace: '',
      },
    ],
    tests: [DAMAGE],
  },
  {
    name: 'reclaim before complete',
    edits: [
      {
        file: 'blockstore/write-commit.ts',
        find: BEGIN,
        replace: `for (const { file, record, checkpoint } of commits) {
          if (!checkpoint) continue;
          const { reclaim, keep } = checkpoint.plan;
          const dead = file.state.live.deletionsOf([...reclaim, ...keep], []);
          await connection.write(['segments'], options.durability, (d) => {
            for (const [from, to] of dead) {
              d.delete('segments', [
                segmentKey(record.file, from.version, from.part),
                segmentKey(record.file, to.version, to.part),
              ]);
            }
            d.tx.commit();
          });
        }
        ${BEGIN}`,
      },
    ],
    tests: [CRASH],
  },
  {
    name: 'reclaim ignores snapshots',
    edits: [
      {
        file: 'blockstore/state.ts',
        find: 'Math.min(this.directoryVersion, at.pinnedMin)',
        replace: 'this.directoryVersion',
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'recovery finalises marker+1',
    edits: [
      {
        file: 'recovery/recover.ts',
        find: "import { decide } from './decide.js';",
        replace: `import { decide } from './decide.js';
          import { encodeCommit, KEEP_ALL } from '../format/commit.js';
          import { commitKey, segmentsAbove, spillOwnerKey } from '../format/keys.js';
          import { segmentEntries } from '../format/segment.js';`,
      },
      {
        file: 'recovery/recover.ts',
        find: 'if (request.result === 0) deleteAbove(r, file, marker);',
        replace: `if (request.result > 0) return;
          const commits = r.getAll('commits', commitsFrom(file, marker));
          const segments = r.getAll('segments', segmentsAbove(file, marker));
          segments.onsuccess = () => {
            const before = decodeCommit(commits.result[0], { file });
            if (!before.ok || segments.result.length === 0) return deleteAbove(r, file, marker);
            const { blockSize, fileBytes } = before.value;
            const entries = segments.result.flatMap((s) => segmentEntries(s, blockSize));
            const blocks = Uint32Array.from(entries, ({ block }) => block);
            const end = (Math.max(...blocks) + 1) * blockSize;
            r.add('commits', commitKey(file, marker + 1), encodeCommit({
              ...before.value,
              version: marker + 1,
              base: marker,
              fileBytes: Math.max(fileBytes, end),
              firstPart: 0,
              endPart: segments.result.length,
              keptBlocks: KEEP_ALL,
              entries: { blocks, checksums: Uint32Array.from(entries, (e) => e.checksum) },
              entryCount: entries.length,
            }));
            r.delete('maps', [spillOwnerKey(file), spillOwnerKey(file)]);
          };`,
      },
    ],
    tests: [CRASH],
  },
  {
    name: 'memory view advanced before the commit',
    edits: [
      {
        file: 'blockstore/committer.ts',
        find: 'const prepared = this.#prepare(drafts);\n    const ended = await this.#write(prepared, durability);\n',
        replace: 'const prepared = this.#prepare(drafts);\n',
      },
      {
        file: 'blockstore/committer.ts',
        find: 'for (const commit of prepared) putInForce(commit, { pinned: false });',
        replace: `for (const commit of prepared) putInForce(commit, { pinned: false });
          const ended = await this.#write(prepared, durability);`,
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'error swallowed on reopen: the state in memory is believed',
    edits: [
      {
        file: 'blockstore/file.ts',
        find: 'if (this.suspect) return await this.#loadAnew();',
        replace: `if (this.suspect) {
          return await this.#loadAnew().catch(() => {
            this.suspect = false;
          });
        }`,
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'error swallowed on reopen: the commit in flight counts as failed',
    edits: [
      {
        file: 'blockstore/write-commit.ts',
        find: 'throw new CommitUnknownError(connection.name, file.path, { cause: lookup });',
        replace: "return 'failed';",
      },
    ],
    tests: [SHAPE],
  },
  {
    name: 'zero-fill for a missing committed block',
    edits: [
      {
        file: 'vfs/view.ts',
        find: 'if (!segment) throw await this.#whyMissing(block);',
        replace: 'if (!segment) return null;',
      },
    ],
    tests: [DAMAGE],
  },
  {
    name: 'spilled segments visible to another tab',
    edits: [
      {
        file: 'blockstore/file.ts',
        find: "import { BlockMap } from './map.js';",
        replace: `import { BlockMap } from './map.js';
          import { segmentsAbove } from '../format/keys.js';
          import { segmentEntries } from '../format/segment.js';`,
      },
      {
        file: 'blockstore/file.ts',
        find: 'if (!newer.every((found) => this.#follow(found))) return await this.#loadAnew();',
        replace: `if (!newer.every((found) => this.#follow(found))) return await this.#loadAnew();
          const at = this.state.map;
          const above = await this.#deps.connection.read(['segments'], (r) =>
            result(r.getAll('segments', segmentsAbove(this.file, at.version))),
          );
          const entries = above.flatMap((s) => segmentEntries(s, at.blockSize));
          if (entries.length > 0) {
            const blocks = Uint32Array.from(entries, ({ block }) => block);
            const checksums = Uint32Array.from(entries, ({ checksum }) => checksum);
            const end = (Math.max(...blocks) + 1) * at.blockSize;
            const change = {
              version: at.version + 1,
              blockSize: at.blockSize,
              fileBytes: Math.max(at.fileBytes, end),
              keptBlocks: 0xffffffff,
              firstPart: 0,
              entries: { blocks, checksums },
            };
            this.state.apply(change, { endPart: above.length, recordBytes: 0 }, at.pins > 0);
          }`,
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: "stale cache after another tab's commit",
    edits: [
      {
        file: 'blockstore/segments.ts',
        find: 'const cached = this.cached.get(segmentNumber(map.versionOf(block), part));',
        replace: `const newest = segmentNumber(map.versionOf(block), part);
          const cached = this.cached.get(newest) ??
            [...this.cached].find(([number]) => number % 1048576 === part)?.[1];`,
      },
      {
        file: 'blockstore/segments.ts',
        find: 'const cached = this.cached.get(segment);',
        replace: `const cached = this.cached.get(segment) ??
            [...this.cached].find(([number]) => number % 1048576 === part)?.[1];`,
      },
      {
        file: 'blockstore/segments.ts',
        find: 'if (segment.verified[slot] === 1) {',
        replace: 'if (segment.verified.includes(1)) {',
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: "another tab's commit is not looked for",
    edits: [
      {
        file: 'blockstore/file.ts',
        find: 'const [marker, ...newer] = stored.map((value) => decodeStored(value, this.file));',
        replace:
          'const [marker, ...newer] = stored.slice(0, 1).map((value) => decodeStored(value, this.file));',
      },
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'commits that share an idbTx are looked up by the record of the first',
    edits: [
      {
        file: 'blockstore/write-commit.ts',
        find: 'const { record } = commits.findLast((commit) => commit.file === file) ?? first;',
        replace: 'const { record } = first;',
      },
    ],
    tests: [BEHIND],
  },
  {
    name: 'deferred commits reordered after a failure',
    edits: [
      {
        file: 'blockstore/write-behind.ts',
        find: '[...group, ...this.#queue.splice(0)]',
        replace: 'group',
      },
      // The fence would stop what comes after the hole.
      {
        file: 'blockstore/committer.ts',
        find: 'for (const { file } of prepared) file.distrust();',
        replace: '',
      },
    ],
    tests: [BEHIND],
  },
];
