/** What a project can begin with where there is no database yet. Their classes are those of `examples/`, as the package ships them. */
import { readFileSync } from 'node:fs';

export interface Template {
  readonly name: string;
  /** As a choice, in words. */
  readonly label: string;
  readonly hint: string;
  /** Main classes, as `catalogs` lists them. */
  readonly classes: readonly string[];
  /** With a file of subscribers each. */
  readonly systems: readonly string[];
}

const shop = ['Customer', 'Product', 'Invoice'];

export const templates: readonly Template[] = [
  {
    name: 'shop',
    label: 'A template: a shop with Stripe',
    hint: 'customers, products, invoices with their lines',
    classes: shop,
    systems: ['stripe'],
  },
  {
    name: 'shop-and-crm',
    label: 'A template: a shop with Stripe, and a CRM on CouchDB',
    hint: 'customers in two systems',
    classes: shop,
    systems: ['stripe', 'couchdb'],
  },
  {
    name: 'empty',
    label: 'An empty project',
    hint: '`syncflow generate` writes its classes, one by one',
    classes: [],
    systems: [],
  },
];

/**
 * A file of the example.
 *
 * @param js how modules are imported: `js` or `mjs`
 */
export function templateFile(name: string, js: string): string {
  const text = readFileSync(new URL(`../../../examples/shop/${name}.ts`, import.meta.url), 'utf8');
  return text.replaceAll(/'(\.\/[\w-]+)\.js'/g, `'$1.${js}'`);
}
