/** What people do now and then, and what makes it hard to follow them. */
import { sqlState } from '../../src/store/database.js';
import type { Chance } from './chance.js';
import type { FaultKind } from './faults.js';
import { pace } from './pace.js';
import { units, type HubKind, type Pen, type People } from './people.js';
import { codeOf, type RemotePeople } from './remote-people.js';
import { tokenOf } from './ledger.js';
import type { Remote } from './remote.js';
import type { CustomerRow, UserSession } from './user-session.js';
import type { World } from './world.js';

/** Keys that no sequence will ever give out here. */
const firstMovedKey = 1_000_000;

export class Mischief {
  readonly #world: World;
  readonly #people: People;
  readonly #remote: RemotePeople;
  readonly #pen: Pen;
  readonly #open: Promise<void>[] = [];
  #moved = firstMovedKey;

  constructor(world: World, people: People, remote: RemotePeople, pen: Pen) {
    this.#world = world;
    this.#people = people;
    this.#remote = remote;
    this.#pen = pen;
  }

  async act(): Promise<void> {
    for (const [kind, work] of Object.entries(this.#acts) as [FaultKind, (chance: Chance) => unknown][]) {
      const { faults } = this.#world;
      if (faults.hits(kind, 'people', 'capture')) await work(faults.chance(kind));
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#open);
  }

  readonly #acts = {
    reinsert: (chance: Chance) => (chance.hits(0.5) ? this.#reinsert() : this.#reinsertLater(chance)),
    rekey: (chance: Chance) => this.#rekey(chance),
    truncate: () => this.#truncate(),
    bulk: (chance: Chance) => (chance.hits(0.8) ? this.#bulkEdit() : this.#bulkDelete(chance)),
    longTransaction: (chance: Chance) => {
      this.#open.push(this.#world.background(this.#dawdle(chance)));
    },
    rollback: () => this.#rollBack(),
    sameSecond: (chance: Chance) => this.#sameSecond(chance),
    invalid: (chance: Chance) =>
      chance.hits(0.3)
        ? this.#people.editHub('customer', { unit: 'name', flaw: '!' })
        : this.#remote.edit(chance.pick(this.#world.remotes), 'customer', { unit: 'name', flaw: '!' }),
    unheard: (chance: Chance) => this.#editUnheard(chance),
    enteredTwice: (chance: Chance) => {
      this.#open.push(this.#world.background(this.#enterTwice(chance)));
    },
    undone: (chance: Chance) => this.#makeRules(chance),
    unwelcome: () => this.#people.editHub('customer', { unit: 'city', flaw: '?' }),
    clash: async (chance: Chance) =>
      this.#remote.clash(chance.pick(this.#world.remotes), await this.#world.user.rows('customer')),
    merged: (chance: Chance) => this.#remote.merge(chance.pick(this.#world.remotes)),
    imported: (chance: Chance) => this.#remote.import(chance.pick(this.#world.remotes), chance),
    childFirst: (chance: Chance) => this.#remote.insertOrder(chance.pick(this.#world.remotes), true),
  } satisfies Partial<Record<FaultKind, (chance: Chance) => unknown>>;

  /** Another record comes under the key of one that is deleted in the same transaction. */
  async #reinsert(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const row = await this.#people.lockOne(session, 'customer');
      if (row !== undefined && (await this.#people.deleteRow(session, 'customer', row)))
        await this.#people.insertCustomer(session, row);
    });
  }

  /** Another record comes under a key that was free for a while: the remotes of the one before may be gone, or not yet. */
  async #reinsertLater(chance: Chance): Promise<void> {
    const { vacated } = this.#people;
    await this.#world.user.transaction(async (session) => {
      const taken = new Set((await session.rows('customer', { lock: true })).map((row) => row.id));
      const free = vacated.filter(({ id }) => !taken.has(id));
      if (free.length === 0) return;
      const one = chance.pick(free);
      // nobody else takes it meanwhile
      vacated.splice(vacated.indexOf(one), 1);
      await this.#people.insertCustomer(session, one);
    });
  }

  /** Once, or twice within one transaction. */
  async #rekey(chance: Chance): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const free = await this.#free(session);
      if (free.length === 0) return;
      const row = chance.pick(free);
      const keys = [row.id, ++this.#moved, ...(chance.hits(0.3) ? [++this.#moved] : [])];
      for (const [index, to] of keys.slice(1).entries()) await session.rekey('customer', keys[index] ?? 0, to);
      this.#hasKey(row, this.#moved);
    });
  }

  /**
   * Customers take each other's keys, by one statement. Only once all is quiet: who reads a row between such a statement and the routing
   * of its marks takes it for another's (SPEC.md, "Not enforced yet").
   */
  async shuffleKeys(chance: Chance): Promise<void> {
    await this.#world.user
      .transaction(async (session) => {
        const rows = chance.some(await this.#free(session), 3);
        const [first] = rows;
        if (first === undefined) return;
        const last = chance.hits(0.5) ? first.id : ++this.#moved;
        const moves = rows.map(({ id }, index) => ({ from: id, to: rows[index + 1]?.id ?? last }));
        await session.rekeyAll('customer', moves);
        for (const [index, row] of rows.entries()) this.#hasKey(row, moves[index]?.to ?? 0);
      })
      .catch((error: unknown) => {
        // the key's constraint isn't deferrable
        if (sqlState(error) !== '23505') throw error;
      });
  }

  /** Customers without orders, locked. */
  async #free(session: UserSession): Promise<CustomerRow[]> {
    const rows = await session.rows('customer', { lock: true });
    const referred = new Set((await session.rows('orders', { lock: true })).map((order) => order.customer_id));
    return rows.filter(({ id }) => !referred.has(id));
  }

  #hasKey({ code }: CustomerRow, key: number): void {
    const { ledger, codes, at } = this.#world;
    codes.set(`customer["${key}"]`, code);
    ledger.touch(at, code, `hub: its key is ${key} now`);
  }

  /** What is there on two sides at nearly the same moment, or twice on one: only a remote that can be searched can tell that it is one. */
  async #enterTwice(chance: Chance): Promise<void> {
    const { remotes, time } = this.#world;
    const remote = remotes.filter(({ character }) => character.searchable);
    if (remote.length === 0) return;
    const [first, second] = [chance.pick(remote), chance.pick(remote)];
    const code = this.#pen.code('customer');
    const later = (): Promise<void> => time.sleep(chance.hits(0.5) ? 0 : chance.within(pace.enteredTwice));
    if (chance.hits(0.4)) {
      await this.#people.insertCustomer(undefined, undefined, code);
      await later();
    } else {
      this.#remote.insertTwin(first, code);
      await later();
      if (chance.hits(0.4)) {
        this.#world.enteredHere.add(code);
        return this.#people.insertCustomer(undefined, undefined, code);
      }
    }
    this.#remote.insertTwin(second, code);
  }

  /** Two remotes that undo each other, whatever is written. They go on with it when the faults have ended. */
  #makeRules(chance: Chance): void {
    const { remotes, undone, ledger, at } = this.#world;
    // what happens there is heard of, and is never taken for an update that came late (SPEC.md, "Not enforced yet")
    const [one, other] = chance.some(
      remotes.filter(
        ({ character: { polling, conditional, idempotencyMs } }) =>
          polling && (conditional || idempotencyMs !== undefined),
      ),
      2,
    );
    const thing = one === undefined ? undefined : this.#remote.pick(one, 'customer');
    if (one === undefined || other === undefined || thing === undefined || undone.size > 1) return;
    const code = codeOf(thing);
    if (other.find('customer', code) === undefined) return;
    undone.add(code);
    for (const remote of [one, other]) {
      const own = this.#pen.write(remote.name, code, 'city', thing.values['city']);
      remote.rules.set(code, own);
      ledger.note(at, code, `${remote.name}: its city is always ${own} from now on`);
    }
    this.#obeyRule(one, thing.id);
  }

  #obeyRule(remote: Remote, id: string): void {
    const thing = remote.things.customer.get(id);
    const city = thing === undefined ? undefined : remote.rules.get(codeOf(thing));
    if (thing === undefined || city === undefined || tokenOf(String(thing.values['city'])) === city) return;
    this.#world.ledger.touch(this.#world.at, codeOf(thing), `${remote.name}: its rule sets the city to ${city}`);
    remote.edit('customer', thing, { city });
  }

  /** From now on: rules are obeyed, and what has just arrived somewhere is corrected there. */
  watch(): void {
    const { remotes, time, faults } = this.#world;
    const soon = (kind: FaultKind, what: string, work: (chance: Chance) => unknown): void => {
      if (!faults.hits(kind, what, 'capture')) return;
      const chance = faults.chance(kind);
      const wait = chance.hits(0.4) ? 0 : chance.within(pace.touchedUp);
      void this.#world.background(
        time.sleep(wait).then(async () => {
          await work(chance);
        }),
      );
    };
    for (const remote of remotes)
      remote.onWritten = (kind, id) => {
        const { undone } = pace;
        if (remote.rules.size > 0) void time.sleep(remote.chance.within(undone)).then(() => this.#obeyRule(remote, id));
        soon('touchedUp', remote.name, () => {
          const thing = remote.things[kind].get(id);
          if (thing !== undefined) this.#remote.edit(remote, kind, { thing });
        });
      };
    this.#world.onApplied = (kind, code) =>
      soon('touchedUp', 'the hub', () => this.#people.editHub(kind, { only: code }));
  }

  async #truncate(): Promise<void> {
    const { user, ledger } = this.#world;
    await user.transaction(async (session) => {
      await session.lockWhole('orders');
      const orders = await session.rows('orders', { lock: true });
      await session.truncate('orders');
      for (const row of orders) ledger.delete(this.#world.at, 'hub', row.code, [row.note]);
    });
  }

  /** One statement over all rows. */
  async #bulkEdit(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const rows = await session.rows('customer', { lock: true });
      if (rows.length === 0) return;
      const city = (row: (typeof rows)[number]): string => this.#pen.write('hub', row.code, 'city', row.city);
      await session.set('customer', 'city', new Map(rows.map((row) => [row.id, city(row)])));
    });
  }

  async #bulkDelete(chance: Chance): Promise<void> {
    const { user, ledger } = this.#world;
    await user.transaction(async (session) => {
      const orders = await session.rows('orders', { lock: true });
      const rows = chance.some(orders, Math.floor(orders.length / 2));
      await session.delete(
        'orders',
        rows.map((row) => row.id),
      );
      for (const row of rows) ledger.delete(this.#world.at, 'hub', row.code, [row.note]);
    });
  }

  async #editUnheard(chance: Chance): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      await session.silence();
      if (chance.hits(0.2)) return this.#people.insertCustomer(session);
      const row = await this.#people.lockOne(session, 'customer');
      if (row === undefined) return;
      if (chance.hits(0.3)) {
        const orders = await session.rows('orders', { lock: true });
        if (orders.some((order) => order.customer_id === row.id)) return;
        await session.delete('customer', [row.id]);
        this.#world.unheard.add(row.code);
        this.#world.ledger.touch(this.#world.at, row.code, 'hub: deleted, and nobody heard of it');
        return;
      }
      const unit = chance.pick(units.customer);
      const token = this.#pen.write('hub', row.code, unit, row[unit as keyof typeof row]);
      await session.set('customer', unit, new Map([[row.id, token]]));
    });
  }

  async #dawdle(chance: Chance): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      await this.#people.insertCustomer(session);
      await this.#world.time.sleep(chance.within(pace.longTransaction));
      await this.#people.insertCustomer(session);
    });
  }

  /** Nothing of it ever was. */
  async #rollBack(): Promise<void> {
    const { user } = this.#world;
    class ChangedMind extends Error {}
    await user
      .transaction(async (session) => {
        const row = await this.#people.lockOne(session, 'customer');
        if (row !== undefined) await session.set('customer', 'city', new Map([[row.id, 'rolled back']]));
        await session.insert('customer', {
          code: 'never',
          name: 'rolled back',
          email: null,
          city: null,
          follower: null,
        });
        throw new ChangedMind();
      })
      .catch((error: unknown) => {
        if (!(error instanceof ChangedMind)) throw error;
      });
  }

  async #sameSecond(chance: Chance): Promise<void> {
    const { remotes, time } = this.#world;
    // as late in a second as can be, so that the edits have one stamp
    await time.sleep(1_000 - (time.ms % 1_000));
    const kind: HubKind = chance.hits(0.7) ? 'customer' : 'order';
    const [first] = remotes;
    const thing = first === undefined ? undefined : this.#remote.pick(chance.pick(remotes), kind);
    if (thing === undefined) return;
    const code = codeOf(thing);
    const unit = chance.pick<string>(units[kind]);
    for (const remote of remotes) {
      const own = remote.find(kind, code);
      if (own !== undefined && chance.hits(0.6)) this.#remote.edit(remote, kind, { unit, thing: own });
      if (own !== undefined && chance.hits(0.2)) {
        const again = remote.things[kind].get(own.id);
        if (again !== undefined) this.#remote.edit(remote, kind, { unit, thing: again });
      }
    }
    if (chance.hits(0.7)) await this.#people.editHub(kind, { unit, only: code });
  }
}
