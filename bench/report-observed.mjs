/** The table of the set `observed`: each engine beside itself with everything listened to and measured. */
import { cell, elapsed, engineOf, ratioCell, table } from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */

/** @param {Results} results */
export function observedTables(results) {
  const { contenders, workloads } = results;
  const pairs = contenders.flatMap((peer) => {
    const ours = contenders.find(
      ({ engine, build, observed }) => engine === peer.engine && build === peer.build && !observed,
    );
    return peer.observed && ours ? [{ ours, peer }] : [];
  });
  return [
    '*Observed*: a listener for every event, and `measure: true`. Otherwise neither.',
    ...workloads.flatMap((workload) => {
      const measure = elapsed(workload);
      return [
        `### ${workload.title}`,
        table(
          ['engine', 'build', 'unobserved', 'observed', 'ratio'],
          pairs.map((pair) => [
            engineOf(pair.ours),
            pair.ours.build,
            cell(results, measure, pair.ours),
            cell(results, measure, pair.peer),
            ratioCell(results, measure, pair),
          ]),
          2,
        ),
      ];
    }),
  ];
}
