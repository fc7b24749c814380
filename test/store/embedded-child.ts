/** Run as a process of its own by embedded.test.ts: opens a hub, says so on stdout, then does as it is told. */
import { EmbeddedDatabase } from '../../src/store/embedded.js';

const [dataDir = '', command = ''] = process.argv.slice(2);
const db = new EmbeddedDatabase({ dataDir });
try {
  await db.open();
  db.setControl({ url: 'http://127.0.0.1:4999', token: 'secret-token' });
  if (command === 'write') {
    await db.execute('create table if not exists t (id int primary key)');
    process.stdout.write('open\n');
    for (let id = 1; ; id++) {
      await db.query('insert into t values ($1)', [id]);
      process.stdout.write(`${id}\n`);
    }
  }
  process.stdout.write('open\n');
  process.stdin.resume();
} catch (error) {
  process.stdout.write(
    `${JSON.stringify({ code: (error as { code?: string }).code, message: (error as Error).message })}\n`,
  );
  process.exit(0);
}
