/** A process that plans or applies a first load, until it is done or killed: `worker.ts plan|apply <database> <crm>`. */
import { Syncflow } from '../../../src/syncflow.js';
import { Contact, CrmAccount } from './crm.js';

const [what = '', database = '', url = ''] = process.argv.slice(2);
const flow = new Syncflow({
  database,
  catalogs: [Contact],
  accounts: { crm: new CrmAccount(url) },
  backfill: 'planned',
  leaseMs: 4_000,
  wakeIntervalMs: 200,
});
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
flow.on('progress', (progress) => say({ progress }));
flow.on('error', ({ where, error }) => say({ where, error: String(error) }));
say({ result: what === 'plan' ? await flow.plan() : await flow.apply() });
await flow.stop();
