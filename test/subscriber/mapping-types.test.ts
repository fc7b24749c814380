/** Type tests: `tsc` fails where an expected error doesn't come. */
import { z } from 'zod';
import { expect, test } from 'vitest';
import { Catalog, type KeyInput, type Row, type RowInput } from '../../src/catalog/catalog.js';
import { decimal } from '../../src/catalog/fields.js';
import { SubscriberBase } from '../../src/subscriber/base.js';
import { minorUnits, numberAsText, oneOf, twoNames } from '../../src/subscriber/lens.js';
import { done, found, type Outcome, type Sight } from '../../src/subscriber/outcome.js';

export class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    first: z.string(),
    last: z.string().nullable(),
    size: z.int().nullable(),
    total: decimal(10, 2),
    state: z.enum(['on', 'off']),
  },
  children: {
    lines: {
      table: 'line',
      key: 'id',
      parent: 'customer_id',
      fields: { id: z.int(), customer_id: z.int(), text: z.string() },
    },
  },
}) {}

interface Remote {
  readonly id: string;
  readonly name: string | null;
  readonly size: number;
  readonly cents: number | null;
  readonly address?: { readonly city?: string } | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly lines: {
    readonly data: readonly { readonly id: string; readonly description: string | null; readonly count: number }[];
  };
}

abstract class Side extends SubscriberBase<typeof Customer, Remote> {
  static readonly system: string = 'side';
  override async create(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async update(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async delete(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async fetch(): Promise<Sight<Remote>> {
    return found({ id: '1', name: null, size: 1, cents: 1, metadata: {}, lines: { data: [] } });
  }
}

export class Right extends Side {
  override readonly mapping = this.map({
    first: 'name',
    last: 'address.city',
    size: 'size',
    total: { remote: 'cents', via: minorUnits(2), authority: 'latest', tie: 'remote', group: 'money' },
    state: { remote: 'metadata.state', via: oneOf({ on: '1', off: '0' }) },
    lines: { remote: 'lines.data', id: 'id', units: { text: 'description' } },
  });
}

export class RightTuple extends Side {
  override readonly mapping = this.map({
    full: { remote: 'name', hub: ['first', 'last'], via: twoNames },
    size: { remote: 'metadata.size', via: numberAsText, direction: 'inward' },
  });
}

export class WrongHubField extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the catalog has no field "nope"
    nope: 'name',
  });
}

export class WrongHubFieldOfTuple extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the catalog has no field "lst"
    full: { remote: 'name', hub: ['first', 'lst'], via: twoNames },
  });
}

export class WrongRemoteKey extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the remote has no "nam"
    first: 'nam',
  });
}

export class WrongDeepRemoteKey extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the remote has no "address.town"
    first: 'address.town',
  });
}

export class WrongType extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a text against a number
    first: 'size',
  });
}

export class WrongTypeInLongForm extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a number against a text
    size: { remote: 'name' },
  });
}

export class WrongLens extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the lens gives a number, the remote has a text
    total: { remote: 'name', via: minorUnits(2) },
  });
}

export class WrongLensForHub extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error the lens takes a text, the hub has a number
    size: { remote: 'cents', via: minorUnits(2) },
  });
}

export class WrongAuthority extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error "newest" is no authority
    first: { remote: 'name', authority: 'newest' },
  });
}

export class WrongOption extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error unknown option "authorty"
    first: { remote: 'name', authorty: 'latest' },
  });
}

export class WrongChildId extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a child in the remote has no "idd"
    lines: { remote: 'lines.data', id: 'idd', units: { text: 'description' } },
  });
}

export class WrongChildMarker extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a child in the remote has no "reff"
    lines: { remote: 'lines.data', id: 'id', marker: 'reff', units: { text: 'description' } },
  });
}

export class WrongChildUnit extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a child has no field "txt"
    lines: { remote: 'lines.data', id: 'id', units: { txt: 'description' } },
  });
}

export class WrongChildKey extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a line there has no "descr"
    lines: { remote: 'lines.data', id: 'id', units: { text: 'descr' } },
  });
}

export class WrongChildType extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error a text against a number
    lines: { remote: 'lines.data', id: 'id', units: { text: 'count' } },
  });
}

export class WrongList extends Side {
  override readonly mapping = this.map({
    // @ts-expect-error there is no list at "lines"
    lines: { remote: 'lines', id: 'id', units: { text: 'description' } },
  });
}

test('rows, inputs and keys have the types of the catalog', () => {
  const row: Row<typeof Customer> = {
    id: 1,
    first: 'a',
    last: null,
    size: null,
    total: '1.00',
    state: 'on',
    lines: [],
  };
  const input: RowInput<typeof Customer> = { first: 'a', total: '1.00', state: 'off' };
  const keys: KeyInput<typeof Customer>[] = [1, { id: 1 }];
  // @ts-expect-error a key is a number
  const wrongKey: KeyInput<typeof Customer> = '1';
  // @ts-expect-error `total` is required
  const incomplete: RowInput<typeof Customer> = { first: 'a', state: 'on' };
  // @ts-expect-error `state` is "on" or "off"
  const wrongState: Row<typeof Customer>['state'] = 'maybe';
  expect([row, input, keys, wrongKey, incomplete, wrongState]).toHaveLength(6);
});

test('a key outside of the model is refused by the catalog as well', () => {
  // @ts-expect-error "number" is none of its fields
  expect(() => Catalog({ name: 'x', key: 'number', fields: { id: z.int() } })).toThrow(
    expect.objectContaining({ code: 'config', hint: 'Name one of them, or add it to `fields`.' }) as Error,
  );
  // @ts-expect-error "idd" is none of its fields
  expect(() => Catalog({ name: 'x', key: 'idd', fields: { id: z.int() } })).toThrow(
    expect.objectContaining({ code: 'config', hint: 'Did you mean "id"?' }) as Error,
  );
});
