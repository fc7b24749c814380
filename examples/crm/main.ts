/** Syncs a hub with the CRM, both ways, and says what happened. Run it: npx tsx examples/crm/main.ts */
/* eslint-disable no-console */
import assert from 'node:assert/strict';
// In a project of yours: from 'syncflow'
import { listen, Syncflow } from '../../src/index.js';
import { Company, Contact } from './catalogs.js';
import { CrmServer } from './server.js';
import { CrmAccount, type CrmContact } from './subscribers.js';

const secret = 'a secret that both sides know';
const server = new CrmServer(secret);
const crm = new CrmAccount(await server.start(), secret);
const flow = new Syncflow({
  database: 'memory:',
  catalogs: [Company, Contact],
  accounts: { crm },
  pollIntervalMs: 60_000,
});
const web = await listen(flow.handler, { port: 0 });
const companies = flow.catalog(Company);
const contacts = flow.catalog(Contact);
flow.on('conflict', ({ unit, winner }) => console.log(`  conflict in ${unit}: ${winner} wins`));

try {
  await flow.start();
  server.webhookUrl = `${web.url}/webhooks/crm`;

  const acme = await companies.save({ name: 'Acme' });
  const ada = await contacts.save({
    first_name: 'Ada',
    last_name: 'Byron',
    email: 'ada@example.com',
    stage: 'lead',
    company_id: acme.id,
  });
  await flow.settled();
  const [remote] = await crm.call<CrmContact[]>('GET', 'contacts');
  const [company] = await crm.call<{ id: string }[]>('GET', 'companies');
  assert(remote !== undefined);
  assert.equal(remote.name, 'Ada Byron');
  assert.equal(remote.stage, 'L');
  assert.equal(remote.company, company?.id);
  console.log('hub → CRM: a company, and a contact that refers to it');

  const applied = new Promise((resolve) => flow.on('applied', resolve));
  await crm.call('PATCH', `contacts/${remote.id}`, { name: 'Ada Lovelace' });
  await applied;
  assert.equal((await contacts.get(ada.id))?.last_name, 'Lovelace');
  console.log('CRM → hub: a new name, told by a webhook');

  server.webhookUrl = undefined;
  await crm.call('POST', 'contacts', { name: 'Charles Babbage', stage: 'C', company: company?.id });
  await flow.sync();
  const found = await contacts.get(ada.id + 1);
  assert.equal(found?.first_name, 'Charles');
  assert.equal(found.company_id, acme.id);
  console.log('CRM → hub: a new contact, found by polling');

  await flow.pause('contact/crm');
  await contacts.save({ id: ada.id, phone: '111', stage: 'customer' });
  await crm.call('PATCH', `contacts/${remote.id}`, { phone: '222' });
  await flow.resume('contact/crm');
  await flow.sync();
  const both = await crm.call<CrmContact>('GET', `contacts/${remote.id}`);
  assert.deepEqual([both.phone, both.stage], ['222', 'C']);
  assert.equal((await contacts.get(ada.id))?.phone, '222');
  assert.equal((await flow.conflicts()).length, 1);
  console.log('both: different fields are merged, the phone goes to the CRM, the loser is in the conflict log');

  await assert.rejects(contacts.save({ id: ada.id, first_name: '' }), /first_name/);
  await crm.call('PATCH', `contacts/${remote.id}`, { stage: 'X' });
  await flow.sync();
  const [parked] = await flow.parked();
  assert.equal(parked?.code, 'mapping');
  await crm.call('PATCH', `contacts/${remote.id}`, { stage: 'C' });
  await flow.sync();
  assert.deepEqual(await flow.parked(), []);
  console.log('a stage that does not fit was parked with its reason, and healed once it was corrected');

  await contacts.delete(ada.id);
  await flow.settled();
  await assert.rejects(crm.call('GET', `contacts/${remote.id}`), /deleted/);
  console.log('hub → CRM: a deletion');

  const differences = (await flow.verify()).flatMap((report) => report.differences);
  assert.deepEqual(differences, []);
  console.log('verified: all sides agree');
} finally {
  await web.close();
  await flow.stop();
  server.stop();
}
