/** The text of a subscriber for a system that Syncflow has a connector for. */
import { importLine } from './catalog-source.js';
import { propertyKey, quoted, remoteKeys } from './names.js';
import { jsonType, type MainShape, type MappingLine } from './shape.js';
import { stripeMapping, type StripeKind } from './stripe-source.js';

export interface SubscriberPlace {
  readonly className: string;
  /** From where the main class is imported. */
  readonly mainFrom: string;
}

const indent = (text: string, by: string): string => text.replaceAll(/^/gm, by);
const mappingText = (lines: readonly MappingLine[]): string => lines.map(({ code }) => indent(code, '    ')).join('\n');
const importsOf = (lines: readonly MappingLine[]): string[] =>
  [...new Set(lines.flatMap((line) => line.imports))].sort();

const stripeBases: Readonly<Record<StripeKind, string>> = {
  customer: 'StripeCustomerSubscriber',
  product: 'StripeProductSubscriber',
  invoice: 'StripeInvoiceSubscriber',
};

/** What every subscriber can override, each as an example that compiles. */
const overridable = (main: string, match: string): string => `
  // Units whose equal values mean "the same thing", at first load and before every create:
  // override readonly match = [${match}];
  //
  // Which records take part:
  // override where(record: Row<typeof ${main}>) {
  //   return record !== undefined;
  // }
  //
  // What becomes of creates and deletes, in each direction:
  // override readonly policies = { ...defaultPolicies, deleteInward: 'park' as const };`;

export function stripeSubscriber(shape: MainShape, kind: StripeKind, place: SubscriberPlace): string {
  const lines = stripeMapping(kind, shape);
  const names = lines.map(({ code }) => code.split(':')[0]?.trim() ?? '');
  const hasCurrency = names.some((name) => /currency/i.test(name));
  const needsCurrency =
    kind === 'invoice' || (kind === 'product' && lines.some(({ code }) => code.includes('unit_amount')));
  return subscriberFile({
    head: `How ${shape.name} stands in Stripe, as its ${kind}s. See docs/how-to/map-fields.md.`,
    lines,
    bases: [importLine([stripeBases[kind]], 'syncflow/stripe')],
    declaration: `${stripeBases[kind]}<typeof ${shape.className}>`,
    before:
      needsCurrency && !hasCurrency ? ["  override readonly currency = 'eur'; // of amounts: no field says it"] : [],
    types: [],
    shape,
    place,
  });
}

export function couchSubscriber(shape: MainShape, place: SubscriberPlace): string {
  const remotes = remoteKeys(shape.fields.map(({ name }) => name));
  const remoteOf = ({ name }: { readonly name: string }): string => remotes.get(name) ?? name;
  const lines = shape.fields.map((field): MappingLine => {
    const key = propertyKey(field.name);
    const remote = remoteOf(field);
    const target = field.references?.().definition.name;
    if (target !== undefined)
      return { code: `// ${key}: '${remote}', // once ${target} has a subscriber for CouchDB, too`, imports: [] };
    if (field.column.kind === 'bigint')
      return {
        code: `${key}: { remote: '${remote}', via: lens(String, (text: string) => BigInt(text)) },`,
        imports: ['lens'],
      };
    return { code: `${key}: '${remote}',`, imports: [] };
  });
  const document = `${place.className.replace(/^Couchdb|^Couch/, '')}Document`;
  const types = [
    `/** A document as CouchDB keeps it. */`,
    `export interface ${document} {`,
    ...shape.fields.map((field) => `  readonly ${propertyKey(remoteOf(field))}: ${jsonType(field)};`),
    '}',
    '',
  ];
  return subscriberFile({
    head: `How ${shape.name} stands in CouchDB.`,
    lines,
    bases: [importLine(['CouchSubscriber'], 'syncflow/couchdb')],
    declaration: `CouchSubscriber<typeof ${shape.className}, ${document}>`,
    before: [`  override readonly database = '${databaseName(shape.name)}';`],
    types,
    shape,
    place,
  });
}

const databaseName = (name: string): string => {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_');
  return /^[a-z]/.test(plain) ? plain : `c_${plain}`;
};

interface Parts {
  readonly head: string;
  readonly lines: readonly MappingLine[];
  readonly bases: readonly string[];
  readonly declaration: string;
  readonly before: readonly string[];
  readonly types: readonly string[];
  readonly shape: MainShape;
  readonly place: SubscriberPlace;
}

function subscriberFile({ head, lines, bases, declaration, before, types, shape, place }: Parts): string {
  const imports = importsOf(lines);
  const match = shape.fields.find(({ name }) => /mail|sku|code|number/i.test(name)) ?? shape.fields[0];
  return `${[
    `/** ${head} */`,
    ...(imports.length === 0 ? [] : [importLine(imports, 'syncflow')]),
    ...bases,
    importLine([shape.className], place.mainFrom),
    '',
    ...types,
    `export class ${place.className} extends ${declaration} {`,
    ...before,
    '  override readonly mapping = this.map({',
    mappingText(lines),
    '  });',
    overridable(shape.className, quoted(match?.name ?? 'email')).replace(/^\n/, '\n'),
    '}',
    '',
    `${shape.className}.register(${place.className});`,
  ].join('\n')}\n`;
}
