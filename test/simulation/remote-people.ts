/** What people do inside of a remote system. */
import type { Chance } from './chance.js';
import { tokenOf } from './ledger.js';
import { units, type HubKind, type Pen } from './people.js';
import type { Remote, Thing } from './remote.js';
import type { CustomerRow } from './user-session.js';
import type { World } from './world.js';

export interface RemoteEdit {
  readonly unit?: string;
  readonly flaw?: '!';
  readonly thing?: Thing;
}

export class RemotePeople {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #pen: Pen;

  constructor(world: World, chance: Chance, pen: Pen) {
    this.#world = world;
    this.#chance = chance;
    this.#pen = pen;
  }

  insertCustomer(remote: Remote): void {
    this.#put(remote, this.#pen.code('customer'));
  }

  /** It stands for a record of the hub, and nobody has told either. */
  insertTwin(remote: Remote, code: string): void {
    this.#put(remote, code);
  }

  #put(remote: Remote, code: string, id = remote.newId()): void {
    const values = Object.fromEntries(
      units.customer.map((unit) => [unit, this.#pen.write(remote.name, code, unit, null)] as const),
    );
    remote.put('customer', id, { values: { code, ...values }, lines: [], marker: undefined });
  }

  /** @param withCustomer a new one, which comes after its order */
  insertOrder(remote: Remote, withCustomer = false): void {
    const customer = withCustomer ? remote.newId() : this.pick(remote, 'customer')?.id;
    if (customer === undefined) return;
    const code = this.#pen.code('order');
    const note = this.#pen.write(remote.name, code, 'note', null);
    const lines = Array.from({ length: this.#chance.int(0, 2) }, (_, index) => {
      const label = `${code}.${index}`;
      const text = this.#pen.write(remote.name, code, `text of ${label}`, null);
      return { id: remote.newId(), marker: undefined, values: { label, text } };
    });
    remote.put('order', remote.newId(), { values: { code, customer, note }, lines, marker: undefined });
    if (withCustomer) this.#put(remote, this.#pen.code('customer'), customer);
  }

  edit(remote: Remote, kind: HubKind, edit: RemoteEdit = {}): void {
    const { unit = this.#chance.pick<string>(units[kind]), flaw, thing = this.pick(remote, kind) } = edit;
    if (thing === undefined) return;
    const token = this.#pen.write(remote.name, codeOf(thing), unit, thing.values[unit], flaw);
    remote.edit(kind, thing, { [unit]: token });
  }

  /** Many at one moment. */
  import(remote: Remote, chance: Chance): void {
    const unit = chance.pick<string>(units.customer);
    for (const thing of chance.some([...remote.things.customer.values()], chance.int(2, 8)))
      this.edit(remote, 'customer', { unit, thing });
    for (let more = chance.int(0, 3); more > 0; more--) this.insertCustomer(remote);
  }

  editLines(remote: Remote): void {
    const thing = this.pick(remote, 'order');
    if (thing === undefined) return;
    const code = codeOf(thing);
    const line = thing.lines.length === 0 ? undefined : this.#chance.pick(thing.lines);
    if (line === undefined || this.#chance.hits(0.3)) {
      const label = `${code}.${this.#pen.code('order')}`;
      const text = this.#pen.write(remote.name, code, `text of ${label}`, null);
      const added = { id: remote.newId(), marker: undefined, values: { label, text } };
      remote.edit('order', thing, {}, [...thing.lines, added]);
      return;
    }
    const unit = `text of ${String(line.values['label'])}`;
    if (this.#chance.hits(0.3)) {
      this.#world.ledger.note(this.#world.at, code, `${remote.name}: ${unit} removed`);
      this.#world.ledger.remove(this.#world.at, code, unit, line.values['text'] as string | null);
      const rest = thing.lines.filter((one) => one !== line);
      remote.edit('order', thing, {}, rest);
      return;
    }
    const text = this.#pen.write(remote.name, code, unit, line.values['text']);
    const lines = thing.lines.map((one) => (one === line ? { ...one, values: { ...one.values, text } } : one));
    remote.edit('order', thing, {}, lines);
  }

  /** The e-mail address of another record of the hub is entered. */
  clash(remote: Remote, rows: readonly CustomerRow[]): void {
    const thing = this.pick(remote, 'customer');
    const others = rows.filter((row) => row.email !== null && row.code !== thing?.values['code']);
    if (thing === undefined || others.length === 0) return;
    const { email: token } = this.#chance.pick(others);
    if (token === null) return;
    const over = thing.values['email'] as string | null;
    this.#world.ledger.enter({
      at: this.#world.at,
      side: remote.name,
      code: codeOf(thing),
      unit: 'email',
      over,
      token: tokenOf(token),
    });
    remote.edit('customer', thing, { email: token });
  }

  delete(remote: Remote): void {
    const kind = this.#chance.hits(0.6) ? 'order' : 'customer';
    const thing = this.pick(remote, kind);
    if (thing === undefined) return;
    // nobody deletes a customer with orders
    if (kind === 'customer' && ordersOf(remote, thing).length > 0) return;
    this.#delete(remote, kind, thing);
  }

  /** Two customers turn out to be one: its orders go to the one that stays. */
  merge(remote: Remote): void {
    const [loser, winner] = this.#chance.some([...remote.things.customer.values()], 2);
    if (loser === undefined || winner === undefined) return;
    for (const order of ordersOf(remote, loser)) {
      this.#world.ledger.touch(this.#world.at, codeOf(order), `${remote.name}: now an order of ${codeOf(winner)}`);
      remote.edit('order', order, { customer: winner.id });
    }
    this.#delete(remote, 'customer', loser);
  }

  #delete(remote: Remote, kind: HubKind, thing: Thing): void {
    const values = units[kind].map((unit) => thing.values[unit] as string | null);
    const texts = thing.lines.map((line) => line.values['text'] as string | null);
    this.#world.ledger.delete(this.#world.at, remote.name, codeOf(thing), [...values, ...texts]);
    remote.remove(kind, thing.id);
  }

  pick(remote: Remote, kind: HubKind): Thing | undefined {
    const things = [...remote.things[kind].values()];
    return things.length === 0 ? undefined : this.#chance.pick(things);
  }
}

export const codeOf = (thing: Thing): string => String(thing.values['code']);

function ordersOf(remote: Remote, customer: Thing): Thing[] {
  return [...remote.things.order.values()].filter((order) => order.values['customer'] === customer.id);
}
