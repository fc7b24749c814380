/** People: they edit, add and delete on all sides, each edit a token of its own. */
import { sqlState } from '../../src/store/database.js';
import type { Chance } from './chance.js';
import { Mischief } from './mischief.js';
import { RemotePeople } from './remote-people.js';
import type { CustomerRow, OrderRow, UserSession } from './user-session.js';
import type { World } from './world.js';

export type HubKind = 'customer' | 'order';
export const units = { customer: ['name', 'email', 'city'], order: ['note'] } as const;
export const tables = { customer: 'customer', order: 'orders' } as const;
/** The value of a unit, whichever kind of row has it. */
export const valueOf = (row: CustomerRow | OrderRow, unit: string): string | null =>
  row[unit as keyof typeof row] as string | null;

const deadlock = '40P01';

/** New codes and new tokens. */
export class Pen {
  readonly #world: World;
  #codes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  code(kind: HubKind): string {
    this.#codes += 1;
    return `${kind[0] ?? ''}${this.#codes}`;
  }

  /** @param flaw `!`: the hub refuses it; `?`: the remotes do */
  write(side: string, code: string, unit: string, over: unknown, flaw: '' | '!' | '?' = ''): string {
    const { ledger, at } = this.#world;
    return ledger.write(at, side, code, unit, typeof over === 'string' ? over : null, flaw);
  }
}

export class People {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #pen: Pen;
  readonly #remote: RemotePeople;
  readonly #mischief: Mischief;
  /** Customers that somebody has deleted here. */
  readonly vacated: { readonly id: number; readonly code: string }[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance.fork();
    this.#pen = new Pen(world);
    this.#remote = new RemotePeople(world, this.#chance.fork(), this.#pen);
    this.#mischief = new Mischief(world, this, this.#remote, this.#pen);
    this.#mischief.watch();
  }

  /** What is there before anybody has heard of Syncflow: some on one side, some on both. */
  async moveIn(): Promise<void> {
    for (let count = 12; count > 0; count--) await this.insertCustomer();
    for (let count = 5; count > 0; count--) await this.insertOrder();
    const rows = await this.#world.user.rows('customer');
    for (const remote of this.#world.remotes) {
      for (let count = this.#chance.int(0, 5); count > 0; count--) this.#remote.insertCustomer(remote);
      if (!remote.character.searchable) continue;
      // somebody has entered one of them twice
      if (this.#chance.hits(0.3)) {
        const twice = this.#pen.code('customer');
        for (let time = 0; time < 2; time++) this.#remote.insertTwin(remote, twice);
      }
      for (const row of this.#chance.some(rows, this.#chance.int(0, 3))) this.#remote.insertTwin(remote, row.code);
    }
  }

  /** One edit somewhere. Whoever meets a deadlock lets it be: nothing is written before all locks are held. */
  async act(): Promise<void> {
    try {
      await this.#mischief.act();
      await this.#everyday();
    } catch (error) {
      if (sqlState(error) !== deadlock) throw error;
    }
  }

  async #everyday(): Promise<void> {
    const chance = this.#chance;
    const remote = chance.pick(this.#world.remotes);
    const dice = chance.int(0, 99);
    if (dice < 6) await this.insertCustomer();
    else if (dice < 12) await this.insertOrder();
    else if (dice < 44) await this.editHub(chance.hits(0.7) ? 'customer' : 'order');
    else if (dice < 49) await this.deleteHub();
    else if (dice < 58) await this.editLinesHub();
    else if (dice < 62) this.#remote.insertCustomer(remote);
    else if (dice < 65) this.#remote.insertOrder(remote);
    else if (dice < 91) this.#remote.edit(remote, chance.hits(0.7) ? 'customer' : 'order');
    else if (dice < 95) this.#remote.editLines(remote);
    else this.#remote.delete(remote);
  }

  shuffleKeys(): Promise<void> {
    return this.#mischief.shuffleKeys(this.#chance);
  }

  /** Waits for what people have begun. */
  finish(): Promise<void> {
    return this.#mischief.finish();
  }

  /** @param before whose key it takes over */
  async insertCustomer(
    session: UserSession = this.#world.user,
    before?: { readonly id: number; readonly code: string },
    code = this.#pen.code('customer'),
  ): Promise<void> {
    const [name = '', email = null, city = null] = units.customer.map((unit) =>
      this.#pen.write('hub', code, unit, null),
    );
    const key = await session.insert('customer', { code, name, email, city, follower: null }, before?.id);
    this.#world.ledger.entity(code).formerly = before?.code;
    this.#world.codes.set(`customer["${key}"]`, code);
  }

  async insertOrder(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const customer = await this.lockOne(session, 'customer');
      if (customer === undefined) return;
      const code = this.#pen.code('order');
      const note = this.#pen.write('hub', code, 'note', null);
      const lines = Array.from({ length: this.#chance.int(0, 3) }, (_, index) => {
        const label = `${code}.${index}`;
        return { label, text: this.#pen.write('hub', code, `text of ${label}`, null) };
      });
      const id = await session.insert('orders', { code, customer_id: customer.id, note });
      this.#world.codes.set(`order["${id}"]`, code);
      for (const line of lines) await session.insert('order_line', { ...line, order_id: id });
    });
  }

  /** @param only this row, if it is still there */
  async editHub(
    kind: HubKind,
    { unit = this.#chance.pick<string>(units[kind]), flaw = '', only }: HubEdit = {},
  ): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const row = await this.lockOne(session, kind, only);
      if (row === undefined) return;
      const token = this.#pen.write('hub', row.code, unit, valueOf(row, unit), flaw);
      await session.set(tables[kind], unit as never, new Map([[row.id, token as never]]));
    });
  }

  async deleteHub(): Promise<void> {
    const kind = this.#chance.hits(0.5) ? 'order' : 'customer';
    await this.#world.user.transaction(async (session) => {
      const row = await this.lockOne(session, kind);
      if (row !== undefined) await this.deleteRow(session, kind, row);
    });
  }

  /** Returns whether it could be deleted: a customer with orders stays. */
  async deleteRow(session: UserSession, kind: HubKind, row: CustomerRow | OrderRow): Promise<boolean> {
    if (kind === 'customer') {
      const orders = await session.rows('orders', { lock: true });
      if (orders.some((order) => order.customer_id === row.id)) return false;
    } else {
      const lines = await session.rows('order_line', { lock: true });
      const own = lines.filter((line) => line.order_id === row.id).map((line) => line.id);
      await session.delete('order_line', own);
    }
    await session.delete(tables[kind], [row.id]);
    if (kind === 'customer') this.vacated.push({ id: row.id, code: row.code });
    this.#world.ledger.delete(
      this.#world.at,
      'hub',
      row.code,
      units[kind].map((unit) => valueOf(row, unit)),
    );
    return true;
  }

  async editLinesHub(): Promise<void> {
    const chance = this.#chance;
    const { ledger, user } = this.#world;
    await user.transaction(async (session) => {
      const row = await this.lockOne(session, 'order');
      if (row === undefined) return;
      const lines = (await session.rows('order_line', { lock: true })).filter((line) => line.order_id === row.id);
      const line = lines.length === 0 ? undefined : chance.pick(lines);
      if (line === undefined || chance.hits(0.3)) {
        const label = `${row.code}.${this.#pen.code('order')}`;
        const text = this.#pen.write('hub', row.code, `text of ${label}`, null);
        await session.insert('order_line', { order_id: row.id, label, text });
        return;
      }
      if (chance.hits(0.3)) {
        ledger.note(this.#world.at, row.code, `hub: line ${line.label} removed (${line.text ?? '∅'})`);
        ledger.remove(this.#world.at, row.code, `text of ${line.label}`, line.text);
        await session.delete('order_line', [line.id]);
        return;
      }
      const token = this.#pen.write('hub', row.code, `text of ${line.label}`, line.text);
      await session.set('order_line', 'text', new Map([[line.id, token]]));
    });
  }

  async lockOne(session: UserSession, kind: HubKind, only?: string): Promise<CustomerRow | OrderRow | undefined> {
    const rows: readonly (CustomerRow | OrderRow)[] = await session.rows(tables[kind], { lock: true });
    if (only !== undefined) return rows.find((row) => row.code === only);
    return rows.length === 0 ? undefined : this.#chance.pick(rows);
  }
}

export interface HubEdit {
  readonly unit?: string;
  readonly flaw?: '' | '!' | '?';
  /** The code of a record. */
  readonly only?: string;
}
