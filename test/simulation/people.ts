/** People: they edit, add and delete on all sides, each edit a token of its own. */
import type { Chance } from './chance.js';
import type { Kind, Remote, Thing } from './remote.js';
import type { CustomerRow, OrderRow, UserSession } from './user-session.js';
import type { World } from './world.js';

const units = { customer: ['name', 'email', 'city'], order: ['note'] } as const;
const tables = { customer: 'customer', order: 'orders' } as const;
/** The value of a unit, whichever kind of row has it. */
const valueOf = (row: CustomerRow | OrderRow, unit: string): string | null =>
  row[unit as keyof typeof row] as string | null;

export class People {
  readonly #world: World;
  readonly #chance: Chance;
  #codes = 0;

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance.fork();
  }

  /** One edit somewhere. */
  async act(): Promise<void> {
    const chance = this.#chance;
    const remote = chance.pick(this.#world.remotes);
    const dice = chance.int(0, 99);
    if (dice < 14) await this.insertCustomer();
    else if (dice < 24) await this.insertOrder();
    else if (dice < 48) await this.editHub(chance.hits(0.7) ? 'customer' : 'order');
    else if (dice < 52) await this.editManyHub();
    else if (dice < 58) await this.deleteHub();
    else if (dice < 66) await this.editLinesHub();
    else if (dice < 74) this.insertRemote(remote);
    else if (dice < 92) this.editRemote(remote, chance.hits(0.7) ? 'customer' : 'order');
    else if (dice < 96) this.editLinesRemote(remote);
    else this.deleteRemote(remote);
  }

  #code(kind: Kind): string {
    this.#codes += 1;
    return `${kind[0] ?? ''}${this.#codes}`;
  }

  #write(side: string, code: string, unit: string, over: unknown): string {
    return this.#world.ledger.write(this.#world.at, side, code, unit, typeof over === 'string' ? over : null);
  }

  async insertCustomer(): Promise<void> {
    const code = this.#code('customer');
    const [name = '', email = null, city = null] = units.customer.map((unit) => this.#write('hub', code, unit, null));
    const id = await this.#world.user.insert('customer', { code, name, email, city });
    this.#world.codes.set(`customer["${id}"]`, code);
  }

  async insertOrder(): Promise<void> {
    const [customer] = this.#chance.some(await this.#world.user.rows('customer'), 1);
    if (customer === undefined) return;
    const code = this.#code('order');
    const note = this.#write('hub', code, 'note', null);
    const lines = Array.from({ length: this.#chance.int(0, 3) }, (_, index) => {
      const label = `${code}.${index}`;
      return { label, text: this.#write('hub', code, `text of ${label}`, null) };
    });
    await this.#world.user.transaction(async (session) => {
      const id = await session.insert('orders', { code, customer_id: customer.id, note });
      this.#world.codes.set(`order["${id}"]`, code);
      for (const line of lines) await session.insert('order_line', { ...line, order_id: id });
    });
  }

  async editHub(kind: Kind): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const row = await this.#lockOne(session, kind);
      if (row === undefined) return;
      const unit = this.#chance.pick(units[kind]);
      const token = this.#write('hub', row.code, unit, valueOf(row, unit));
      await session.set(tables[kind], unit as never, new Map([[row.id, token as never]]));
    });
  }

  /** One statement over many rows. */
  async editManyHub(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const rows = await session.rows('customer', { lock: true });
      if (rows.length === 0) return;
      await session.set(
        'customer',
        'city',
        new Map(rows.map((row) => [row.id, this.#write('hub', row.code, 'city', row.city)])),
      );
    });
  }

  async deleteHub(): Promise<void> {
    const kind = this.#chance.hits(0.5) ? 'order' : 'customer';
    await this.#world.user.transaction(async (session) => {
      const row = await this.#lockOne(session, kind);
      if (row === undefined) return;
      if (kind === 'customer') {
        const orders = await session.rows('orders');
        if (orders.some((order) => order.customer_id === row.id)) return;
      } else {
        const lines = await session.rows('order_line');
        await session.delete(
          'order_line',
          lines.filter((line) => line.order_id === row.id).map((line) => line.id),
        );
      }
      this.#world.ledger.delete(
        this.#world.at,
        'hub',
        row.code,
        units[kind].map((unit) => valueOf(row, unit)),
      );
      await session.delete(tables[kind], [row.id]);
    });
  }

  async editLinesHub(): Promise<void> {
    const chance = this.#chance;
    await this.#world.user.transaction(async (session) => {
      const row = await this.#lockOne(session, 'order');
      if (row === undefined) return;
      const lines = (await session.rows('order_line')).filter((line) => line.order_id === row.id);
      const line = lines.length === 0 ? undefined : chance.pick(lines);
      if (line === undefined || chance.hits(0.3)) {
        const label = `${row.code}.${this.#code('order')}`;
        const text = this.#write('hub', row.code, `text of ${label}`, null);
        await session.insert('order_line', { order_id: row.id, label, text });
        return;
      }
      if (chance.hits(0.3)) {
        this.#world.ledger.note(this.#world.at, row.code, `hub: line ${line.label} removed (${line.text ?? '∅'})`);
        this.#world.ledger.remove(row.code, `text of ${line.label}`, line.text);
        await session.delete('order_line', [line.id]);
        return;
      }
      const token = this.#write('hub', row.code, `text of ${line.label}`, line.text);
      await session.set('order_line', 'text', new Map([[line.id, token]]));
    });
  }

  insertRemote(remote: Remote): void {
    const code = this.#code('customer');
    const values = Object.fromEntries(
      units.customer.map((unit) => [unit, this.#write(remote.name, code, unit, null)] as const),
    );
    remote.put('customer', remote.newId(), { code, ...values }, [], undefined);
  }

  editRemote(remote: Remote, kind: Kind): void {
    const thing = this.#pick(remote, kind);
    if (thing === undefined) return;
    const unit = this.#chance.pick(units[kind]);
    const token = this.#write(remote.name, String(thing.values['code']), unit, thing.values[unit]);
    remote.put(kind, thing.id, { ...thing.values, [unit]: token }, thing.lines, thing.marker);
  }

  editLinesRemote(remote: Remote): void {
    const thing = this.#pick(remote, 'order');
    if (thing === undefined) return;
    const code = String(thing.values['code']);
    const line = thing.lines.length === 0 ? undefined : this.#chance.pick(thing.lines);
    if (line === undefined || this.#chance.hits(0.3)) {
      const label = `${code}.${this.#code('order')}`;
      const text = this.#write(remote.name, code, `text of ${label}`, null);
      const added = { id: remote.newId(), marker: undefined, values: { label, text } };
      remote.put('order', thing.id, thing.values, [...thing.lines, added], thing.marker);
      return;
    }
    const label = String(line.values['label']);
    if (this.#chance.hits(0.3)) {
      this.#world.ledger.note(this.#world.at, code, `${remote.name}: line ${label} removed`);
      this.#world.ledger.remove(code, `text of ${label}`, line.values['text'] as string | null);
      remote.put(
        'order',
        thing.id,
        thing.values,
        thing.lines.filter((one) => one !== line),
        thing.marker,
      );
      return;
    }
    const text = this.#write(remote.name, code, `text of ${label}`, line.values['text']);
    const lines = thing.lines.map((one) => (one === line ? { ...one, values: { ...one.values, text } } : one));
    remote.put('order', thing.id, thing.values, lines, thing.marker);
  }

  deleteRemote(remote: Remote): void {
    const kind = this.#chance.hits(0.6) ? 'order' : 'customer';
    const thing = this.#pick(remote, kind);
    if (thing === undefined) return;
    // nobody deletes a customer with orders
    if (kind === 'customer' && [...remote.things.order.values()].some((one) => one.values['customer'] === thing.id))
      return;
    this.#world.ledger.delete(
      this.#world.at,
      remote.name,
      String(thing.values['code']),
      units[kind].map((unit) => thing.values[unit] as string | null),
    );
    remote.remove(kind, thing.id);
  }

  #pick(remote: Remote, kind: Kind): Thing | undefined {
    const things = [...remote.things[kind].values()];
    return things.length === 0 ? undefined : this.#chance.pick(things);
  }

  async #lockOne(session: UserSession, kind: Kind): Promise<CustomerRow | OrderRow | undefined> {
    const rows = await session.rows(tables[kind], { lock: true });
    return rows.length === 0 ? undefined : this.#chance.pick<CustomerRow | OrderRow>(rows);
  }
}
