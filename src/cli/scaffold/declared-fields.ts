/** Fields as they are given on the command line: `name:text(80),price:decimal(10,2)?,customer_id:ref(customer)`. */
import { didYouMean, SyncflowError } from '../../errors.js';
import type { FoundCatalog } from './find-catalogs.js';
import type { CatalogDraft, FieldDraft } from './model.js';
import { quoted } from './names.js';

const plain: Readonly<Record<string, string>> = {
  text: 'z.string()',
  email: 'z.email()',
  int: 'z.int()',
  bigint: 'z.bigint()',
  number: 'z.number()',
  boolean: 'z.boolean()',
  date: 'z.iso.date()',
  timestamp: 'timestamp()',
  uuid: 'z.guid()',
  json: 'json(z.json())',
  decimal: 'decimal()',
};
const names = [...Object.keys(plain), 'enum', 'ref'];

export function declaredTable(
  name: string,
  table: string,
  list: string,
  catalogs: readonly FoundCatalog[],
): { draft: CatalogDraft; classes: readonly FoundCatalog[] } {
  const classes: FoundCatalog[] = [];
  const imports = new Set<string>();
  const fields = list
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): FieldDraft => {
      const match = /^([^:]+?)\s*(?::\s*([a-z]+)\s*(?:\(([^)]*)\))?\s*(\?)?)?$/.exec(part);
      const [, field = '', type = 'text', inside, optional] = match ?? [];
      if (field === '')
        throw new SyncflowError('usage', `--fields: "${part}" is no field`, {
          hint: 'Write name:type, with commas between.',
        });
      const code = typeCode(field, type, inside, catalogs, classes);
      for (const helper of ['decimal', 'json', 'timestamp', 'references'])
        if (code.startsWith(`${helper}(`)) imports.add(helper);
      return { name: field, code: `${code}${optional === undefined ? '' : '.nullable()'}` };
    });
  const hasKey = fields.some((field) => field.name === 'id');
  const all = hasKey ? fields : [{ name: 'id', code: 'z.int()' }, ...fields];
  return {
    draft: {
      className: '',
      name,
      schema: 'public',
      table,
      key: ['id'],
      fields: all,
      leftOut: [],
      fillsOnInsert: false,
      children: [],
      imports: [...imports].sort(),
      classes: [],
    },
    classes: [...new Set(classes)],
  };
}

function typeCode(
  field: string,
  type: string,
  inside: string | undefined,
  catalogs: readonly FoundCatalog[],
  classes: FoundCatalog[],
): string {
  if (type === 'enum')
    return `z.enum([${(inside ?? '')
      .split('|')
      .map((one) => quoted(one.trim()))
      .join(', ')}])`;
  if (type === 'ref') {
    const target = catalogs.find((one) => one.name === inside);
    if (target === undefined) {
      const guess = didYouMean(
        inside ?? '',
        catalogs.map((one) => one.name),
      );
      throw new SyncflowError(
        'usage',
        `--fields: ${field} refers to the catalog "${inside ?? ''}", which isn't there`,
        {
          hint: guess === undefined ? 'Generate that one first.' : `Did you mean "${guess}"?`,
        },
      );
    }
    classes.push(target);
    return `references(${target.className})`;
  }
  const code = Object.hasOwn(plain, type) ? plain[type] : undefined;
  if (code === undefined) {
    const guess = didYouMean(type, names);
    throw new SyncflowError('usage', `--fields: ${field} has the type "${type}", which isn't one`, {
      hint: guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${guess}"?`,
    });
  }
  if (inside === undefined) return code;
  const numbers = inside.split(',').map((one) => one.trim());
  if (type === 'text' && /^\d+$/.test(inside)) return `z.string().max(${inside})`;
  if (type === 'decimal' && numbers.every((one) => /^\d+$/.test(one))) return `decimal(${numbers.join(', ')})`;
  throw new SyncflowError('usage', `--fields: ${type}(${inside}) isn't a type`, {
    hint: 'Write text(80) or decimal(10,2).',
  });
}
