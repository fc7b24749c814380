/** The catalogs of a simulated world, and how each remote maps them. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { parseKey, type RecordKey } from '../../src/catalog/key.js';
import { SyncflowError } from '../../src/errors.js';
import type { Chance } from './chance.js';
import { SimulatedSubscriber } from './subscribers.js';
import { tokenOf } from './ledger.js';
import type { Faults } from './faults.js';

/** Values whose mapping throws for now: those whose token ends in this digit. */
export interface Trouble {
  digit: string | undefined;
}

/** The hub takes no exclamation mark. */
const valid = z
  .string()
  .min(1)
  .regex(/^[^!]*$/);

/** What a `save` of the user's own says to the hub: the customer before this one is told who follows it. */
export const tellPredecessor = `update customer set follower = $2
  where id = (select max(id) from customer where id < $1::bigint) and follower is distinct from $2 returning code`;

/**
 * Classes have a registry of their own: each world makes new ones. Who decides about a unit differs from remote to remote.
 * @param onFollowed given, saving a customer writes the one before it, too: told of that
 */
export function makeCatalogs(
  remotes: readonly string[],
  chance: Chance,
  faults: Faults,
  trouble: Trouble,
  onFollowed: ((code: string) => void) | undefined,
) {
  class Customer extends Catalog({
    name: 'customer',
    key: 'id',
    fields: {
      id: z.int(),
      code: z.string(),
      name: valid,
      email: z.string().nullable(),
      city: z.string().nullable(),
      follower: z.string().nullable(),
    },
  }) {}
  /** Its `save` writes another row as well: no mark of that is anybody's own. */
  class FollowedCustomer extends Customer {
    override async save(...[record, change]: Parameters<Customer['save']>): Promise<RecordKey> {
      const key = await super.save(record, change);
      const [id] = parseKey(key);
      const told = await change.tx.query<{ code: string }>(tellPredecessor, [id ?? null, record.code]);
      for (const { code } of told) onFollowed?.(code);
      return key;
    }
  }
  class Order extends Catalog({
    name: 'order',
    table: 'orders',
    key: 'id',
    fields: { id: z.int(), code: z.string(), customer_id: references(Customer), note: z.string().nullable() },
    children: {
      lines: {
        table: 'order_line',
        parent: 'order_id',
        key: 'id',
        fields: { id: z.int(), order_id: z.int(), label: z.string(), text: z.string().nullable() },
      },
    },
  }) {}
  const mapped = (value: string | null): string | null => {
    if (value !== null && trouble.digit !== undefined && tokenOf(value).endsWith(trouble.digit)) {
      faults.met('mappingThrows', 'email');
      throw new SyncflowError('mapping', 'no such value was thought of');
    }
    return value;
  };
  const email = { put: mapped, get: mapped };
  for (const name of remotes) {
    const authority = () => chance.pick(['hub', 'remote', 'latest'] as const);
    const by = { name: authority(), email: authority(), city: authority(), note: authority() };
    class SimulatedCustomer extends SimulatedSubscriber<typeof Customer> {
      protected override readonly kind = 'customer';
      override readonly mapping = this.map({
        code: 'code',
        name: { remote: 'name', authority: by.name },
        email: { remote: 'email', authority: by.email, via: email },
        city: { remote: 'city', authority: by.city },
        follower: { remote: 'follower', direction: 'outward' },
      });
    }
    class SimulatedOrder extends SimulatedSubscriber<typeof Order> {
      protected override readonly kind = 'order';
      override readonly mapping = this.map({
        code: 'code',
        customer_id: 'customer',
        note: { remote: 'note', authority: by.note },
        lines: { remote: 'lines', id: 'id', marker: 'marker', units: { label: 'label', text: 'text' } },
      });
    }
    Customer.register(SimulatedCustomer, { as: name, account: name });
    Order.register(SimulatedOrder, { as: name, account: name });
  }
  return [onFollowed === undefined ? Customer : FollowedCustomer, Order] as const;
}
