/**
 * Customers as Stripe's API shows them: create, update, retrieve, list. The project's own simulator knows a hundred times more, and is
 * too slow for this: it must not be what bounds a benchmark.
 */
import { announce, givenOptions } from '../harness/remote.js';
import { stripeCustomer, type CustomerValues } from '../shop/stripe-objects.js';
import { serveThinly, type Request } from './thin-server.js';

const { delayMs, preloaded } = givenOptions<{ delayMs: number; preloaded?: number }>();
const objects = new Map<string, string>();
/** Newest first, as Stripe lists. */
const ids: string[] = [];
let created = 0;
/** Served since somebody asked last. */
let served = { calls: 0, bytes: 0 };

function create(values: CustomerValues): string {
  const id = `cus_${String(++created).padStart(14, '0')}`;
  const text = JSON.stringify(stripeCustomer(id, values));
  objects.set(id, text);
  ids.push(id);
  return text;
}

for (let n = 1; n <= (preloaded ?? 0); n++) {
  create({ email: `customer${n}@example.com`, name: `Customer number ${n}`, phone: `+39 06 ${n}`, city: 'Rome' });
}

function page(query: URLSearchParams): string {
  const size = Math.min(100, Number(query.get('limit') ?? 10));
  const after = query.get('starting_after');
  // ids are numbered in the order of creation
  const end = after === null ? ids.length : Number(after.slice(4)) - 1;
  const shown = ids.slice(Math.max(0, end - size), end).reverse();
  const data = shown.map((id) => objects.get(id)).join(',');
  return `{"object":"list","url":"/v1/customers","has_more":${end - size > 0},"data":[${data}]}`;
}

const url = await serveThinly({
  delayMs,
  headers: 'request-id: req_bench\r\n',
  answer: (request) => {
    if (request.path === '/bench/served') {
      const text = JSON.stringify(served);
      served = { calls: 0, bytes: 0 };
      return text;
    }
    const text = answer(request);
    served.calls += 1;
    served.bytes += text?.length ?? 0;
    return text;
  },
});
announce(url);

function answer({ method, path, body }: Request): string | undefined {
  const [place = '', query = ''] = path.split('?');
  const id = place.slice('/v1/customers/'.length);
  if (place === '/v1/events') return '{"object":"list","url":"/v1/events","has_more":false,"data":[]}';
  if (method !== 'POST') return id === '' ? page(new URLSearchParams(query)) : objects.get(id);
  const form = new URLSearchParams(body);
  const metadata: Record<string, string> = {};
  for (const [name, value] of form) {
    if (name.startsWith('metadata[')) metadata[name.slice(9, -1)] = value;
  }
  const values = {
    email: form.get('email'),
    name: form.get('name'),
    phone: form.get('phone'),
    city: form.get('address[city]'),
    metadata,
  };
  if (id === '') return create(values);
  const before = objects.get(id);
  if (before === undefined) return undefined;
  const text = JSON.stringify(stripeCustomer(id, { ...shownOf(before), ...definedOf(values) }));
  objects.set(id, text);
  return text;
}

function shownOf(text: string): CustomerValues {
  const { email, name, phone, address, metadata } = JSON.parse(text) as ReturnType<typeof stripeCustomer>;
  return { email, name, phone, city: address?.city ?? null, metadata };
}

function definedOf(values: CustomerValues): Partial<CustomerValues> {
  const { metadata, ...rest } = values;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  return Object.keys(metadata ?? {}).length > 0 ? { ...given, ...(metadata === undefined ? {} : { metadata }) } : given;
}
