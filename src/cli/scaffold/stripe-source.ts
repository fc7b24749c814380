/** Guesses how a catalog's fields stand in Stripe: by their names, the rest as metadata. */
import type { FieldInfo } from '../../catalog/fields.js';
import { propertyKey, quoted } from './names.js';
import type { MainShape, MappingLine } from './shape.js';

export type StripeKind = 'customer' | 'product' | 'invoice';
export const stripeKinds: readonly StripeKind[] = ['customer', 'product', 'invoice'];

/** The kind of Stripe object that a catalog's name tells; undefined where it tells none. */
export function stripeKindOf(name: string): StripeKind | undefined {
  if (/invoice|bill/i.test(name)) return 'invoice';
  if (/product|price|article|item|film|plan|sku/i.test(name)) return 'product';
  if (/customer|client|contact|user|person|people|company|account/i.test(name)) return 'customer';
  return undefined;
}

/** Keys of Stripe by what fields are called; the first field that fits has it. */
const keys: Readonly<Record<StripeKind, readonly (readonly [pattern: RegExp, remote: string])[]>> = {
  customer: [
    [/^e_?mail/i, 'email'],
    [/^(full_?|company_?|display_?)?name$/i, 'name'],
    [/^(phone|tel(ephone)?|mobile)/i, 'phone'],
    [/^(address|street|line_?1|address_?line_?1)$/i, 'address.line1'],
    [/^(address_?2|line_?2|address_?line_?2)$/i, 'address.line2'],
    [/^(city|town)$/i, 'address.city'],
    [/^(state|region|province|district)$/i, 'address.state'],
    [/^(zip|zip_?code|postal_?code|postcode)$/i, 'address.postal_code'],
    [/^country(_?code)?$/i, 'address.country'],
    [/^(description|notes?|memo)$/i, 'description'],
  ],
  product: [
    [/^(name|title)$/i, 'name'],
    [/^(description|notes?)$/i, 'description'],
    [/^(active|is_?active|enabled)$/i, 'active'],
    [/^(unit_?price|price|amount|rental_?rate|rate)$/i, 'default_price.unit_amount'],
    [/^currency(_?code)?$/i, 'default_price.currency'],
    [/^url$/i, 'url'],
  ],
  invoice: [
    [/^currency(_?code)?$/i, 'currency'],
    [/^status$/i, 'status'],
    [/^(description|memo|notes?)$/i, 'description'],
    [/^footer$/i, 'footer'],
  ],
};

export function stripeMapping(kind: StripeKind, shape: MainShape): MappingLine[] {
  const taken = new Set<string>();
  const names = kind === 'customer' ? namePair(shape.fields) : undefined;
  if (names !== undefined) taken.add('name');
  const lines = shape.fields.flatMap((field) => (names?.includes(field) === true ? [] : [unit(kind, field, taken)]));
  const pair: MappingLine[] =
    names === undefined
      ? []
      : [
          {
            code: `name: { hub: [${names.map((field) => quoted(field.name)).join(', ')}], remote: 'name', via: twoNames },`,
            imports: ['twoNames'],
          },
        ];
  return [...pair, ...lines, ...(kind === 'invoice' ? invoiceLines(shape) : [])];
}

function namePair(fields: readonly FieldInfo[]): FieldInfo[] | undefined {
  const first = fields.find(({ name }) => /^(first|given)_?name$/i.test(name));
  const last = fields.find(({ name }) => /^(last|family|sur)_?name$/i.test(name));
  const taken = fields.some(({ name }) => name === 'name');
  return first === undefined || last === undefined || taken ? undefined : [first, last];
}

function unit(kind: StripeKind, field: FieldInfo, taken: Set<string>): MappingLine {
  const key = propertyKey(field.name);
  const found = keys[kind].find(([pattern, remote]) => pattern.test(field.name) && !taken.has(remote));
  const target = field.references?.().definition.name;
  if (target !== undefined) return reference(kind, key, field, target, taken);
  const [, remote] = found ?? [];
  if (remote !== undefined) {
    const line = known(key, field, remote);
    if (line !== undefined) {
      taken.add(remote);
      return line;
    }
  }
  return metadata(key, field, taken);
}

function reference(kind: StripeKind, key: string, field: FieldInfo, target: string, taken: Set<string>): MappingLine {
  if (
    kind === 'invoice' &&
    /customer|client|contact|user|account/i.test(`${field.name} ${target}`) &&
    !taken.has('customer')
  ) {
    taken.add('customer');
    return { code: `${key}: 'customer',`, imports: [] };
  }
  return {
    code: `// ${key}: 'metadata.${metadataKey(field.name, taken)}', // once ${target} has a subscriber for Stripe, too`,
    imports: [],
  };
}

function known(key: string, field: FieldInfo, remote: string): MappingLine | undefined {
  const { kind } = field.column;
  if (remote === 'default_price.unit_amount')
    return kind === 'decimal'
      ? { code: `${key}: { remote: '${remote}', via: minorUnits(2) },`, imports: ['minorUnits'] }
      : undefined;
  if (remote === 'active') return kind === 'boolean' ? { code: `${key}: '${remote}',`, imports: [] } : undefined;
  if (remote === 'email')
    return kind === 'text' ? { code: `${key}: { remote: '${remote}', authority: 'latest' },`, imports: [] } : undefined;
  return kind === 'text' ? { code: `${key}: '${remote}',`, imports: [] } : undefined;
}

/** Stripe's metadata holds text. */
function metadata(key: string, field: FieldInfo, taken: Set<string>): MappingLine {
  const remote = `metadata.${metadataKey(field.name, taken)}`;
  const long = (via: string): string => `${key}: { remote: '${remote}', via: ${via} },`;
  switch (field.column.kind) {
    case 'integer':
    case 'float':
      return { code: long('numberAsText'), imports: ['numberAsText'] };
    case 'boolean':
      return { code: long('lens(String, (text: string) => text === "true")').replaceAll('"', "'"), imports: ['lens'] };
    case 'bigint':
      return { code: long('lens(String, (text: string) => BigInt(text))'), imports: ['lens'] };
    case 'json':
      return { code: `// ${key}: JSON has no place in Stripe; give a lens that makes text of it`, imports: [] };
    default:
      return { code: `${key}: '${remote}',`, imports: [] };
  }
}

/** Forty characters at most; two columns that are spelt alike without their other signs get a number. */
function metadataKey(name: string, taken: Set<string>): string {
  const plain = name
    .replaceAll(/[^A-Za-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 36);
  // not a key of an object: it would be its prototype's
  const base = plain === '' ? 'field' : ['constructor', 'prototype'].includes(plain) ? `${plain}_` : plain;
  let key = base;
  for (let number = 2; taken.has(`metadata.${key}`); number++) key = `${base}_${number}`;
  taken.add(`metadata.${key}`);
  return key;
}

function invoiceLines(shape: MainShape): MappingLine[] {
  if (shape.child === undefined) return [];
  const { name, fields } = shape.child;
  const imports = new Set<string>();
  const taken = new Set<string>();
  const units = fields.flatMap((field): string[] => {
    const key = propertyKey(field.name);
    const once = (remote: string, code: string): string[] => (taken.has(remote) ? [] : (taken.add(remote), [code]));
    if (field.references !== undefined) return once('product', `${key}: 'pricing.price_details.product',`);
    if (field.column.kind === 'decimal' && /price|rate/i.test(field.name)) {
      imports.add('minorUnitsDecimal');
      return once('price', `${key}: { remote: 'pricing.unit_amount_decimal', via: minorUnitsDecimal(2) },`);
    }
    if (field.column.kind === 'integer' && /^(quantity|qty|count)$/i.test(field.name))
      return once('quantity', `${key}: 'quantity',`);
    if (field.column.kind === 'text' && !/status|currency/i.test(field.name))
      return once('description', `${key}: 'description',`);
    return [];
  });
  const code = [
    `${propertyKey(name)}: {`,
    `  remote: 'lines.data',`,
    `  id: 'id',`,
    `  marker: 'metadata.syncflow_line',`,
    `  units: {`,
    ...units.map((line) => `    ${line}`),
    `  },`,
    `},`,
  ];
  return [{ code: code.join('\n'), imports: [...imports] }];
}
