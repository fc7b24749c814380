/** I9: while one remote is away and one record is refused, the others are written in time. */
import { tokenOf } from './ledger.js';
import type { Violation } from './invariants.js';
import { pace } from './pace.js';
import type { People } from './people.js';
import type { World } from './world.js';

/** Healthy records that are edited. */
const probes = 4;
/** By when a healthy record must have reached every remote that is there, with a wake interval of 1 to 4 s. */
export const boundMs = 10_000;

export async function probe(
  world: World,
  people: People,
): Promise<{ readonly delayMs: number; readonly late: readonly Violation[] }> {
  const { time, remotes, ledger, user } = world;
  const away = remotes.length > 1 ? remotes.at(-1) : undefined;
  if (away !== undefined) away.until.outage = time.ms + 60_000;
  const editing = edit();
  await time.until(editing, 60_000);
  const healthy = await editing;
  const begun = time.ms;
  let delayMs = 0;
  const waiting = new Map(healthy.map((one) => [one.code, one.token]));
  // one that is far away takes its time
  const others = remotes.filter((remote) => remote !== away && remote.character.wayMs === pace.near);
  while (waiting.size > 0 && time.ms - begun <= boundMs) {
    await time.until(time.sleep(200), 1_000);
    for (const [code, token] of waiting) {
      if (!others.every((remote) => shows(remote, code, token))) continue;
      delayMs = time.ms - begun;
      waiting.delete(code);
    }
  }
  if (away !== undefined) away.until.outage = 0;
  const late = [...waiting].map(([code, token]) => ({
    invariant: 'I9',
    what: `${token} of ${code} didn't reach all remotes within ${boundMs / 1000} s while ${away?.name ?? 'none'} was away`,
    code,
  }));
  return { delayMs, late };

  async function edit(): Promise<{ code: string; token: string }[]> {
    const links = await user.links();
    const troubled = new Set(
      links
        .filter((link) => link.parked_code !== null && link.subscriber.startsWith('customer/'))
        .map(({ key }) => key),
    );
    const linked = new Map<string, number>();
    for (const { subscriber, key, state } of links)
      if (key !== null && state === 'linked' && subscriber.startsWith('customer/'))
        linked.set(key, (linked.get(key) ?? 0) + 1);
    const rows = (await user.rows('customer')).filter(
      ({ id, code }) =>
        !troubled.has(`["${id}"]`) &&
        !world.undone.has(code) &&
        linked.get(`["${id}"]`) === remotes.length &&
        remotes.every((remote) => isAlone(remote, code)),
    );
    const [bad, ...chosen] = rows.slice(0, probes + 1);
    if (bad !== undefined) await people.editHub('customer', { unit: 'city', flaw: '?', only: bad.code });
    const edited: { code: string; token: string }[] = [];
    for (const { code } of chosen) {
      await people.editHub('customer', { unit: 'name', only: code });
      const token = ledger.entities.get(code)?.writes.get('name')?.at(-1)?.token;
      if (token !== undefined) edited.push({ code, token });
    }
    return edited;
  }
}

/** A late request has made no twin of it. */
const isAlone = (remote: World['remotes'][number], code: string): boolean =>
  [...remote.things.customer.values()].filter((thing) => thing.values['code'] === code).length === 1;

function shows(remote: World['remotes'][number], code: string, token: string): boolean {
  const { name } = remote.find('customer', code)?.values ?? {};
  return typeof name === 'string' && tokenOf(name) === token;
}
