/** Run as a process of its own: opens a hub, and is killed right after the nth call that changes anything in the file system. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { EmbeddedDatabase } from '../../src/store/embedded.js';

const [dataDir = '', nth = '0'] = process.argv.slice(2);
let calls = 0;

type Call = (...args: unknown[]) => unknown;
const calling = fs as unknown as Record<string, Call>;
const changing = [
  'writeSync',
  'writeFileSync',
  'linkSync',
  'unlinkSync',
  'renameSync',
  'mkdirSync',
  'rmdirSync',
  'rmSync',
];
const makes = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0 : String(flags) !== 'r';

for (const name of [...changing, 'openSync', 'ftruncateSync']) {
  const real = calling[name] as Call;
  calling[name] = (...args) => {
    const answer = real(...args);
    if ((name !== 'openSync' || makes(args[1])) && ++calls === Number(nth)) process.kill(process.pid, 'SIGKILL');
    return answer;
  };
}
syncBuiltinESMExports();

const db = new EmbeddedDatabase({ dataDir });
await db.open();
process.stdout.write(`${JSON.stringify(await db.query('select id from t order by id'))}\n`);
await db.close();
