/** I8: shadows hold only what was really shown; a cursor never passes unseen changes. */
import type { Say } from './invariants.js';
import type { Remote } from './remote.js';
import type { Scene, SeenLink } from './scene.js';
import type { World } from './world.js';

type Pairs = Readonly<Record<string, { readonly h?: unknown; readonly r?: unknown }>>;
interface StoredShadow {
  readonly units?: Pairs;
  readonly children?: Readonly<
    Record<string, Readonly<Record<string, { readonly id?: string; readonly units?: Pairs }>>>
  >;
}

/** Where each unit stands in the remote. */
const paths: Readonly<Record<string, string>> = { customer_id: 'customer' };

export function shadows(world: World, scene: Scene, say: Say): void {
  const remotes = new Map(world.remotes.map((remote) => [remote.name, remote]));
  for (const link of scene.links) {
    const remote = remotes.get(link.remote);
    if (remote === undefined || link.remote_id === null || link.shadow === null) continue;
    const { units = {}, children = {} } = JSON.parse(link.shadow) as StoredShadow;
    pairsShown(remote, link, link.remote_id, units, '', say);
    agreed(scene, remote, link, units, say);
    for (const [, line] of Object.entries(children['lines'] ?? {}))
      if (line.id !== undefined) pairsShown(remote, link, link.remote_id, line.units ?? {}, `${line.id}/`, say);
  }
  cursors(world, scene, say);
}

function pairsShown(remote: Remote, link: SeenLink, id: string, pairs: Pairs, prefix: string, say: Say): void {
  for (const [unit, { r }] of Object.entries(pairs)) {
    const path = `${prefix}${paths[unit] ?? unit}`;
    if (r === undefined || r === null) continue;
    if (!remote.hasShown(id, path, r) && !(isUnsettled(link) && remote.hasShownLike(id, path, r)))
      say(
        'I8',
        `${link.subscriber} ${id}: the shadow has ${path} as ${JSON.stringify(r)}, which was never shown`,
        link.code,
      );
  }
}

/** I25: where nothing is owed any more, the shadow is what both sides hold. */
function agreed(scene: Scene, remote: Remote, link: SeenLink, pairs: Pairs, say: Say): void {
  if (link.state !== 'linked' || link.parked_code !== null || link.due || link.code === undefined) return;
  const row = scene.hub[link.kind].get(link.code);
  const thing = remote.things[link.kind].get(link.remote_id ?? '');
  if (row === undefined || thing === undefined || scene.twins.includes(link.code)) return;
  for (const [unit, value] of Object.entries(row.values)) {
    if (unit === 'city' && remote.rules.has(link.code)) continue;
    const { h = null, r = null } = pairs[unit] ?? {};
    const there = (thing.values[unit] ?? null) as string | null;
    if (h === value && r === there) continue;
    const held = `${String(value)} here, ${String(there)} there`;
    say(
      'I25',
      `${link.subscriber} ${link.code}: ${unit} is ${held}, and ${String(h)}, ${String(r)} in the shadow`,
      link.code,
    );
  }
}

/** Of what was sent, and seen by a replay or a look alone, it isn't known which form the remote gave it, until the two are merged. */
const isUnsettled = (link: SeenLink): boolean => link.state === 'gone' || link.parked_code !== null;

/** What a feed told up to the cursor is in the inbox. */
function cursors(world: World, scene: Scene, say: Say): void {
  const known = new Set(scene.events.map(({ subscriber, event_id }) => `${subscriber} ${event_id}`));
  for (const { subscriber, value } of scene.cursors) {
    const [kind, name] = subscriber.split('/');
    const remote = world.remotes.find((one) => one.name === name);
    if (remote === undefined) continue;
    const begun = remote.feedBegun.get(subscriber) ?? Number.POSITIVE_INFINITY;
    for (const change of remote.changesAfter(0)) {
      if (change.kind !== kind || change.sequence <= begun || change.sequence > Number(value)) continue;
      if (!known.has(`${subscriber} ${change.id}`))
        say('I8', `${subscriber}: the cursor stands at ${value}, and ${change.id} was never taken in`);
    }
  }
}
