/** The text of main classes. */
import { bracketed, commented, propertyKey, quoted } from './names.js';
import type { CatalogDraft, ChildDraft, FieldDraft, TableDraft } from './model.js';

const width = 120;

/** A file with main classes. */
export function catalogFile(catalogs: readonly CatalogDraft[], head: string, imports: readonly string[] = []): string {
  const names = new Set(['Catalog', ...catalogs.flatMap((one) => one.imports)]);
  const bare = (name: string): string => name.replace('type ', '');
  const sorted = [...names].sort((a, b) => bare(a).localeCompare(bare(b)));
  const lines = [
    `/** ${commented(head)} */`,
    "import { z } from 'zod';",
    importLine(sorted, 'syncflow'),
    ...imports,
    '',
    catalogs.map((one, index) => catalogClass(one, index === 0)).join('\n'),
  ];
  return lines.join('\n');
}

export function importLine(names: readonly string[], from: string): string {
  const line = `import { ${names.join(', ')} } from '${from}';`;
  if (line.length <= width) return line;
  return `import {\n${names.map((name) => `  ${name},\n`).join('')}} from '${from}';`;
}

function catalogClass(one: CatalogDraft, withMethods: boolean): string {
  const lines = [
    `export class ${one.className} extends Catalog({`,
    `  name: ${quoted(one.name)},`,
    ...(one.table === one.name ? [] : [`  table: ${quoted(one.table)},`]),
    ...(one.schema === 'public' ? [] : [`  schema: ${quoted(one.schema)},`]),
    ...tableLines(one, '  '),
    ...softDeleteLines(one),
    ...(one.children.length === 0 ? [] : ['  children: {', ...one.children.flatMap(childLines), '  },']),
    withMethods ? '}) {' : '}) {}',
    ...(withMethods ? [methods(one.className), '}'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function childLines(child: ChildDraft): string[] {
  return [
    `    ${propertyKey(child.name)}: {`,
    `      table: ${quoted(child.table)},`,
    ...tableLines(child, '      ', child.parent),
    '    },',
  ];
}

function tableLines(table: TableDraft, indent: string, parent?: string): string[] {
  const [key = ''] = table.key;
  const needed = table.leftOut.filter((one) => one.needed).map(({ name }) => quoted(name));
  return [
    `${indent}key: ${table.key.length === 1 ? quoted(key) : bracketed(table.key.map(quoted), indent, width - indent.length - 6)},`,
    ...(parent === undefined ? [] : [`${indent}parent: ${quoted(parent)},`]),
    `${indent}fields: {`,
    ...table.fields.flatMap((field) => fieldLines(field, `${indent}  `)),
    ...table.leftOut.flatMap((one) => leftOutLine(one, table, `${indent}  `)),
    `${indent}},`,
    ...(needed.length === 0 ? [] : [`${indent}leftOut: ${bracketed(needed, indent, width - indent.length - 10)},`]),
  ];
}

function fieldLines({ name, code, note }: FieldDraft, indent: string): string[] {
  const line = `${indent}${propertyKey(name)}: ${code},`;
  const comment = note === undefined ? [] : [`${indent}// ${commented(note)}`];
  return [...comment, line.length <= width ? line : broken(line, indent)];
}

/** Of the code that is generated, only a list of choices gets long. */
function broken(line: string, indent: string): string {
  const match = /^(.*z\.enum\()\[(.*)\](\).*)$/.exec(line);
  if (match === null) return line;
  const [, before = '', list = '', after = ''] = match;
  const items = list.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g) ?? [];
  return `${before}${bracketed(items, indent, 0)}${after}`;
}

function leftOutLine(one: TableDraft['leftOut'][number], table: TableDraft, indent: string): string[] {
  const first = `${indent}// left out: ${commented(one.name)}, for ${commented(one.why)}`;
  if (!one.needed) return [`${first}. Safe: its values stay, and new rows get its default or NULL.`];
  if (table.fillsOnInsert) return [`${first}. It is NOT NULL without a default: a trigger must fill it.`];
  return [
    first,
    `${indent}// NOT SAFE for new rows: it is NOT NULL without a default, so that Syncflow can't insert here. Remotes that nobody`,
    `${indent}// knows are parked as "constraint"; give it a default, or set createInward: 'ignore' in the subscribers' policies.`,
  ];
}

function softDeleteLines(one: CatalogDraft): string[] {
  const field = one.fields.find(
    ({ name, code }) => /^(deleted|removed|archived)_?(at|on)$/i.test(name) && code.endsWith('.nullable()'),
  );
  if (field === undefined || !field.code.startsWith('timestamp()')) return [];
  return [`  // softDelete: ${quoted(field.name)}, // rows that have it set count as deleted`];
}

/** What can be overridden, each as an example that compiles. */
const methods = (name: string): string => `  // import type { Change, RecordKey, Row } from 'syncflow';
  //
  // What subscribers see of a row:
  //
  // override extract(row: Row<typeof ${name}>) {
  //   return { ...row };
  // }
  //
  // What a valid record is, beside its schema:
  //
  // override validate(record: Row<typeof ${name}>) {
  //   const problems = [...super.validate(record)];
  //   // problems.push({ field: 'ends', problem: 'must not be before it begins' });
  //   return problems;
  // }
  //
  // The write itself, inside of its transaction (a write by psql or an ORM doesn't pass through it):
  //
  // override async save(record: Row<typeof ${name}>, change: Change<Row<typeof ${name}>>) {
  //   const key = await super.save(record, change);
  //   // await change.tx.query('insert into audit (origin, key) values ($1, $2)', [change.origin, key]);
  //   return key;
  // }
  //
  // override async delete(key: RecordKey, change: Change<Row<typeof ${name}>>) {
  //   await super.delete(key, change);
  // }`;
