/** People: they edit, add and delete on all sides, each edit a token of its own. */
import type { Chance } from './chance.js';
import type { Kind, Remote, Thing } from './remote.js';
import type { World } from './world.js';

interface Row {
  readonly id: number;
  readonly code: string;
  readonly [field: string]: unknown;
}

const units = { customer: ['name', 'email', 'city'], order: ['note'] } as const;
const tables = { customer: 'customer', order: 'orders' } as const;

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
    const values = units.customer.map((unit) => this.#write('hub', code, unit, null));
    const [row] = await this.#world.user.query<{ id: number }>(
      `insert into customer (code, name, email, city) values ($1, $2, $3, $4) returning id::int as id`,
      [code, ...values],
    );
    this.#world.codes.set(`customer["${row?.id ?? 0}"]`, code);
  }

  async insertOrder(): Promise<void> {
    const [customer] = await this.#rows('customer', 1);
    if (customer === undefined) return;
    const code = this.#code('order');
    const note = this.#write('hub', code, 'note', null);
    const { user } = this.#world;
    const lines = Array.from({ length: this.#chance.int(0, 3) }, (_, index) => {
      const label = `${code}.${index}`;
      return { label, text: this.#write('hub', code, `text of ${label}`, null) };
    });
    await user.transaction(async (tx) => {
      const [row] = await tx.query<{ id: number }>(
        `insert into orders (code, customer_id, note) values ($1, $2, $3) returning id::int as id`,
        [code, customer.id, note],
      );
      this.#world.codes.set(`order["${row?.id ?? 0}"]`, code);
      for (const line of lines) {
        await tx.query('insert into order_line (order_id, label, text) values ($1, $2, $3)', [
          row?.id ?? 0,
          line.label,
          line.text,
        ]);
      }
    });
  }

  async editHub(kind: Kind): Promise<void> {
    await this.#world.user.transaction(async (tx) => {
      const row = await this.#lockOne(tx, kind);
      if (row === undefined) return;
      const unit = this.#chance.pick(units[kind]);
      const token = this.#write('hub', row.code, unit, row[unit]);
      await tx.query(`update ${tables[kind]} set ${unit} = $1 where id = $2`, [token, row.id]);
    });
  }

  /** One statement over many rows. */
  async editManyHub(): Promise<void> {
    await this.#world.user.transaction(async (tx) => {
      const rows = await tx.query<Row>(
        'select id::int as id, code, city from customer order by customer.id for update',
      );
      if (rows.length === 0) return;
      const cases = rows.map((row) => `when ${row.id} then '${this.#write('hub', row.code, 'city', row['city'])}'`);
      await tx.query(`update customer set city = case id ${cases.join(' ')} else city end`);
    });
  }

  async deleteHub(): Promise<void> {
    const kind = this.#chance.hits(0.5) ? 'order' : 'customer';
    await this.#world.user.transaction(async (tx) => {
      const row = await this.#lockOne(tx, kind);
      if (row === undefined) return;
      if (kind === 'customer') {
        const [used] = await tx.query('select 1 from orders where customer_id = $1 limit 1', [row.id]);
        if (used !== undefined) return;
      } else {
        await tx.query('delete from order_line where order_id = $1', [row.id]);
      }
      this.#world.ledger.delete(
        this.#world.at,
        'hub',
        row.code,
        units[kind].map((unit) => row[unit] as string | null),
      );
      await tx.query(`delete from ${tables[kind]} where id = $1`, [row.id]);
    });
  }

  async editLinesHub(): Promise<void> {
    const chance = this.#chance;
    await this.#world.user.transaction(async (tx) => {
      const row = await this.#lockOne(tx, 'order');
      if (row === undefined) return;
      const lines = await tx.query<{ id: number; label: string; text: string | null }>(
        'select id::int as id, label, text from order_line where order_id = $1 order by order_line.id',
        [row.id],
      );
      const line = lines.length === 0 ? undefined : chance.pick(lines);
      if (line === undefined || chance.hits(0.3)) {
        const label = `${row.code}.${this.#code('order')}`;
        const token = this.#write('hub', row.code, `text of ${label}`, null);
        await tx.query('insert into order_line (order_id, label, text) values ($1, $2, $3)', [row.id, label, token]);
        return;
      }
      if (chance.hits(0.3)) {
        this.#world.ledger.note(this.#world.at, row.code, `hub: line ${line.label} removed (${line.text ?? '∅'})`);
        this.#world.ledger.remove(row.code, `text of ${line.label}`, line.text);
        await tx.query('delete from order_line where id = $1', [line.id]);
        return;
      }
      const token = this.#write('hub', row.code, `text of ${line.label}`, line.text);
      await tx.query('update order_line set text = $1 where id = $2', [token, line.id]);
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

  async #rows(kind: Kind, count: number): Promise<Row[]> {
    const rows = await this.#world.user.query<Row>(
      `select *, id::int as id from ${tables[kind]} order by ${tables[kind]}.id`,
    );
    return this.#chance.some(rows, count);
  }

  async #lockOne(tx: { query: World['user']['query'] }, kind: Kind): Promise<Row | undefined> {
    const rows = await tx.query<Row>(
      `select *, id::int as id from ${tables[kind]} order by ${tables[kind]}.id for update`,
    );
    return rows.length === 0 ? undefined : this.#chance.pick(rows);
  }
}
