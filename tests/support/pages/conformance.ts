/** Runs the conformance suite in whichever browser opens this page, and reports each case. */
import { report, reportErrors } from '../../../tools/host-client.ts';
import { browserOf, type CaseReport } from '../conformance-report.ts';
import { muteOnPurpose, realSubjects, simulatedSubjects } from '../conformance-subjects.ts';
import { conformanceCases } from '../idb-conformance.ts';

reportErrors();
muteOnPurpose();
const parameters = new URLSearchParams(location.search);
const only = parameters.get('only') ?? '';

const browser = browserOf(parameters.get('browser'));

for (const { name: subject, subject: examined } of [
  ...realSubjects(browser),
  ...simulatedSubjects(browser),
]) {
  for (const { group, name, judge } of conformanceCases(examined)) {
    if (!`${group} › ${name}`.includes(only)) continue;
    const found: CaseReport = { subject, group, name, verdict: await judge() };
    await report('case', found);
  }
}
await report('done');
