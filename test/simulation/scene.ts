/** What is there at the end, on all sides. */
import type { Kind } from './remote.js';
import type { Counts, CursorRow, EventRow, IntentRow, LinkRow, MadeRow } from './user-session.js';
import type { World } from './world.js';
import { tokenOf } from './ledger.js';

export interface HubRow {
  readonly id: number;
  readonly code: string;
  readonly values: Readonly<Record<string, string | null>>;
  readonly lines: readonly { readonly label: string; readonly text: string | null }[];
  /** Of an order: the code of its customer. */
  readonly customer: string | undefined;
}

export interface SeenLink extends LinkRow {
  readonly kind: Kind;
  readonly remote: string;
  readonly code: string | undefined;
}

export interface Scene {
  readonly hub: { readonly customer: ReadonlyMap<string, HubRow>; readonly order: ReadonlyMap<string, HubRow> };
  /** Codes that stand in several rows of the hub. */
  readonly twins: readonly string[];
  readonly links: readonly SeenLink[];
  /** Conflicts that name an edit of either side. */
  readonly conflicts: readonly string[];
  /** Tokens that stand in the conflict log. */
  readonly logged: ReadonlySet<string>;
  /** `kind/remote code` → why. */
  readonly parked: ReadonlyMap<string, { readonly code: string; readonly reason: string }>;
  readonly events: readonly EventRow[];
  readonly cursors: readonly CursorRow[];
  readonly openIntents: readonly IntentRow[];
  /** How many rows inward sync made, by code: its events may have been lost with the answer to their COMMIT. */
  readonly madeInward: ReadonlyMap<string, number>;
  /** When each write was decided, by its idempotency key, in ms. */
  readonly plannedAt: ReadonlyMap<string, number>;
  readonly counts: Counts;
}

export async function lookAround(world: World): Promise<Scene> {
  const { user } = world;
  const customers = await user.rows('customer');
  const orders = await user.rows('orders');
  const lines = await user.rows('order_line');
  const codeOfCustomer = new Map(customers.map(({ id, code }) => [id, code]));
  const customer = new Map(
    customers.map(({ id, code, name, email, city, follower }): [string, HubRow] => [
      code,
      { id, code, values: { name, email, city, follower }, lines: [], customer: undefined },
    ]),
  );
  const linesOf = groupBy(lines, (line) => line.order_id);
  const order = new Map(
    orders.map(({ id, code, note, customer_id }): [string, HubRow] => [
      code,
      { id, code, values: { note }, lines: linesOf.get(id) ?? [], customer: codeOfCustomer.get(customer_id) },
    ]),
  );
  const twins = [...groupBy([...customers, ...orders], (row) => row.code)].flatMap(([code, { length }]) =>
    length > 1 ? [code] : [],
  );
  const keys = { customer: keysOf(customer), order: keysOf(order) };
  const named = ({ subscriber, key, remote_id: id }: MadeRow) => {
    const [kind, name] = subscriber.split('/') as [Kind, string];
    const remote = world.remotes.find((one) => one.name === name);
    const code =
      (key === null ? undefined : (keys[kind].get(key) ?? world.codes.get(`${kind}${key}`))) ??
      (id === null ? undefined : (remote?.things[kind].get(id)?.values['code'] as string | undefined));
    return { kind, remote: name, code };
  };
  const links = (await user.links()).map((link): SeenLink => ({ ...link, ...named(link) }));
  const made = groupBy(await user.made(), (row) => named(row).code ?? '');
  const logged = new Set<string>();
  const log = await user.conflicts();
  for (const { base, hub, remote } of log)
    for (const text of [base, hub, remote])
      for (const token of text?.match(/t\d+[!?]?/gi) ?? []) logged.add(tokenOf(token));
  const parked = new Map<string, { code: string; reason: string }>();
  for (const link of links) {
    if (link.parked_code === null) continue;
    const why = { code: link.parked_code, reason: link.parked_reason ?? '' };
    parked.set(`${link.subscriber} ${link.code ?? `?${link.id}`}`, why);
    // another record may have come under its key: the remote still bears the code of the one before
    const there = world.remotes.find((one) => one.name === link.remote)?.things[link.kind].get(link.remote_id ?? '');
    const shown = there?.values['code'];
    if (typeof shown === 'string' && !parked.has(`${link.subscriber} ${shown}`))
      parked.set(`${link.subscriber} ${shown}`, why);
  }
  return {
    hub: { customer, order },
    twins,
    links,
    conflicts: log.flatMap(({ link_id, base, hub, remote }) =>
      [hub, remote].every((text) => /t\d/i.test(text ?? ''))
        ? `link ${link_id}: ${base ?? ''} ${hub ?? ''} ${remote ?? ''}`
        : [],
    ),
    logged,
    parked,
    events: await user.events(),
    cursors: await user.cursors(),
    openIntents: await user.openIntents(),
    madeInward: new Map([...made].map(([code, rows]) => [code, rows.length])),
    plannedAt: new Map((await user.planned()).map(({ idempotency_key, at }) => [idempotency_key, at])),
    counts: await user.counts(),
  };
}

function keysOf(rows: ReadonlyMap<string, HubRow>): Map<string, string> {
  return new Map([...rows.values()].map(({ id, code }) => [`["${id}"]`, code]));
}

export function groupBy<K, V>(all: Iterable<V>, by: (one: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const one of all) {
    const group = groups.get(by(one));
    if (group === undefined) groups.set(by(one), [one]);
    else group.push(one);
  }
  return groups;
}
