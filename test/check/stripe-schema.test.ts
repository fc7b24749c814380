/** What the Stripe connector says of Stripe's schema is what Stripe published (and the simulator holds requests against). */
import { expect, test } from 'vitest';
import type { RemoteSchema } from '../../src/subscriber/remote-schema.js';
import { loadRouteSchemas, type ParamSchema } from '../../src/testing/stripe-simulator/param-schema.js';
import { StripeCustomers, StripeInvoices, StripeProducts } from '../stripe/catalogs.js';

const routes = loadRouteSchemas();
const context = { account: { metadataPrefix: 'syncflow' } as never, environment: 'test' };

/** The variant of a parameter that isn't "unset". */
function real(schema: ParamSchema | undefined): ParamSchema | undefined {
  return schema?.anyOf === undefined ? schema : schema.anyOf.find((one) => one.enum?.[0] !== '');
}

function differences(ours: RemoteSchema, theirs: ParamSchema | undefined, path: string): string[] {
  const published = real(theirs);
  if (published === undefined) return [`${path} is no parameter`];
  const result: string[] = [];
  if (ours.maxLength !== undefined && published.maxLength !== undefined && ours.maxLength !== published.maxLength)
    result.push(`${path}: ${ours.maxLength} characters, published are ${published.maxLength}`);
  const type = published.type ?? 'object';
  if (ours.type !== undefined && ours.type !== type) result.push(`${path}: ${ours.type}, published is ${type}`);
  const choices = published.enum?.filter((one) => one !== '');
  if (ours.enum !== undefined && JSON.stringify([...ours.enum].sort()) !== JSON.stringify([...(choices ?? [])].sort()))
    result.push(`${path}: ${ours.enum.join()}, published are ${choices?.join() ?? 'none'}`);
  for (const [name, inner] of Object.entries(ours.properties ?? {}))
    if (inner.writable !== 'never') result.push(...differences(inner, published.properties?.[name], `${path}.${name}`));
  return result;
}

test.each([
  ['customer', new StripeCustomers({ id: 'customer/stripe', ...context }), 'POST /v1/customers', []],
  // a price has more than default_price_data takes; the connector makes it by POST /v1/prices
  ['product', new StripeProducts({ id: 'product/stripe', ...context }), 'POST /v1/products', ['default_price']],
  // the connector carries out a status by requests of their own, lines by add_lines
  ['invoice', new StripeInvoices({ id: 'invoice/stripe', ...context }), 'POST /v1/invoices', ['status', 'lines']],
])('%s', (_, subscriber, route, apart) => {
  const schema = subscriber.remoteSchema;
  const published = routes.get(route)?.params;
  const found = Object.entries(schema?.properties ?? {})
    .filter(([name, inner]) => !(apart as readonly string[]).includes(name) && inner.writable !== 'never')
    .flatMap(([name, inner]) => differences(inner, published?.properties?.[name], name));
  expect(found).toEqual([]);
  for (const name of published?.required ?? []) expect(schema?.required).toContain(name);
});

test('price and lines', () => {
  const price = new StripeProducts({ id: 'product/stripe', ...context }).remoteSchema?.properties?.['default_price'];
  const lines = new StripeInvoices({ id: 'invoice/stripe', ...context }).remoteSchema?.properties?.['lines'];
  const line = routes.get('POST /v1/invoices/{invoice}/add_lines')?.params.properties?.['lines']?.items;
  const { currency: _, ...rest } = price?.properties ?? {};
  const made = routes.get('POST /v1/prices')?.params;
  expect(differences({ type: 'object', properties: rest }, { ...made, type: 'object' }, 'price')).toEqual([]);
  expect(differences(lines?.properties?.['data']?.items ?? {}, line, 'line')).toEqual([]);
});
