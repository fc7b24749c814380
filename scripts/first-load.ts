/** `npm run first-load -- --records 20000 --kills 5 [--json]`: a planned first load whose processes are killed. Needs a Postgres server. */
import { parseArgs } from 'node:util';
import { playFirstLoad } from '../test/torture/first-load/first-load.js';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const records = Math.ceil(Number(values.records) / 10) * 10;
const result = await playFirstLoad({
  records,
  kills: Number(values.kills),
  say: (text) => {
    if (!values.json && process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  },
});
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  const { kills, planMs, applyMs, problems } = result;
  process.stdout.write(
    `\n${records} records: planned in ${(planMs / 1_000).toFixed(1)} s, applied in ${(applyMs / 1_000).toFixed(1)} s with ${kills.length} kills ` +
      `(${kills.map(({ phase, done }) => `${phase} at ${done}`).join(', ')})\n`,
  );
  for (const problem of problems) process.stdout.write(`✗ ${problem}\n`);
  if (problems.length === 0) process.stdout.write('✓ nothing lost, nothing doubled; a second apply wrote nothing\n');
}
process.exitCode = result.problems.length === 0 ? 0 : 1;
