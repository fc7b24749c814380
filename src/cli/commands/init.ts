/** `syncflow init` */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Option, type Command } from 'commander';
import { didYouMean, SyncflowError } from '../../errors.js';
import { findRelations, findTables, type FoundRelation, type FoundTable } from '../../store/introspect.js';
import { PostgresDatabase } from '../../store/postgres.js';
import { Interrupted, type Cli } from '../context.js';
import { visible } from '../output.js';
import type { Prompter } from '../prompter.js';
import { catalogFile } from '../scaffold/catalog-source.js';
import type { Written } from '../scaffold/files.js';
import {
  draftCatalogs,
  possibleParents,
  tableId,
  unfit,
  type CatalogDraft,
  type Selection,
} from '../scaffold/model.js';
import { extensionOf, importExtension, writeProject } from '../scaffold/project.js';
import { systemParts } from '../scaffold/systems.js';
import { templateFile, templates, type Template } from '../scaffold/templates.js';

interface Options {
  readonly yes?: boolean;
  readonly database?: string;
  readonly tables?: string;
  readonly children?: string;
  readonly template?: string;
  readonly dir?: string;
  readonly force?: boolean;
}

export function addInit(program: Command, cli: Cli): void {
  program
    .command('init')
    .description('start a project: main classes from the tables of a Postgres, or a template; config, .env.example')
    .option('-y, --yes', 'ask nothing')
    .option('--database <url>', 'read the tables of this Postgres; it is only read, and the url is written nowhere')
    .option('--tables <names>', 'only these tables, with commas: customer,sales.order')
    .option(
      '--children <names>',
      'tables whose rows belong to their parent (order_line), or "none"; guessed unless given',
    )
    .addOption(new Option('--template <name>', 'begin without a database').choices(templates.map(({ name }) => name)))
    .option('--dir <folder>', 'where to write (default: here)')
    .option('--force', 'overwrite files that are there')
    .action((options: Options) => init(cli, options));
}

async function init(cli: Cli, options: Options): Promise<void> {
  const prompter = options.yes === true ? undefined : await askable(cli);
  const folder = resolve(cli.io.cwd, options.dir ?? '.');
  const source = await sourceOf(cli, options, prompter);
  if (typeof source !== 'string') {
    say(cli, fromTemplate(source, folder, options.force === true), folder, templateSteps(source));
    return;
  }
  const { tables, others } = await readTables(source);
  const selections = await choose({ tables, others }, options, prompter, cli);
  const drafts = draftCatalogs(selections);
  const head =
    'Main classes, made by `syncflow init` from the tables. Yours to change: a class that doesn’t fit its table is refused at start.';
  const written = writeProject(folder, {
    classes: drafts.map(({ className }) => className),
    catalogs: catalogFile(drafts, head),
    accounts: [],
    env: ['# postgres://user:password@host:5432/name', 'DATABASE_URL=', 'SYNCFLOW_ENVIRONMENT=development'],
    force: options.force === true,
  });
  warn(cli, drafts);
  say(cli, written, folder, [
    'npm install syncflow zod && npm install -D typescript @types/node',
    'cp .env.example .env, and set DATABASE_URL in it',
    'npx syncflow generate subscriber <catalog> stripe',
    'npx syncflow check, then npx syncflow plan (what switching on would do), then npx syncflow start',
  ]);
}

async function askable(cli: Cli): Promise<Prompter> {
  const prompter = await cli.io.prompter?.();
  if (prompter !== undefined) return prompter;
  throw new SyncflowError('usage', 'init asks what to write, and nobody can be asked here', {
    hint: 'Give --yes with --database postgres://… (and --tables a,b), or with --template shop.',
  });
}

function given<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Interrupted('SIGINT');
  return answer;
}

/** The address of a database, or a template. */
async function sourceOf(cli: Cli, options: Options, prompter: Prompter | undefined): Promise<string | Template> {
  const template = templates.find(({ name }) => name === options.template);
  if (template !== undefined) {
    const other = (['database', 'tables', 'children'] as const).find((name) => options[name] !== undefined);
    if (other === undefined) return template;
    throw new SyncflowError('usage', `--template and --${other} exclude each other: a template reads no database`, {
      hint: 'Leave one of them out.',
    });
  }
  const known = options.database ?? cli.io.env['DATABASE_URL'] ?? fromEnvFile(cli);
  if (options.database !== undefined || (prompter === undefined && known !== undefined && known !== ''))
    return postgres(known ?? '');
  if (prompter === undefined) {
    throw new SyncflowError('usage', 'there is no database to read', {
      hint: `Give --database postgres://… or set DATABASE_URL; or begin with --template ${templates.map(({ name }) => name).join(', ')}.`,
    });
  }
  const way = given(
    await prompter.one('What do you begin with?', [
      // by its name alone: it may hold a password
      ...(known === undefined || known === '' ? [] : [{ value: 'env', label: 'The tables of DATABASE_URL' }]),
      { value: 'postgres', label: 'The tables of a Postgres', hint: 'it is only read' },
      ...templates.map(({ name, label, hint }) => ({ value: name, label, hint })),
    ]),
  );
  const chosen = templates.find(({ name }) => name === way);
  if (chosen !== undefined) return chosen;
  return postgres(way === 'env' ? (known ?? '') : given(await prompter.text('Its address', 'postgres://')));
}

function postgres(url: string): string {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new SyncflowError('usage', 'the database isn’t the address of a Postgres', {
    hint: 'Give postgres://user:password@host:5432/name (characters such as "@" in a password are percent-encoded).',
  });
}

/** The file beside the config that is to be, which `init` itself tells to fill in. */
function fromEnvFile(cli: Cli): string | undefined {
  const file = join(cli.io.cwd, '.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8'))['DATABASE_URL'] : undefined;
}

interface Found {
  readonly tables: readonly FoundTable[];
  readonly others: readonly FoundRelation[];
}

async function readTables(url: string): Promise<Found> {
  const db = new PostgresDatabase({ url, poolSize: 1 });
  try {
    await db.open();
    const tables = await findTables(db);
    if (tables.length > 0) return { tables, others: await findRelations(db) };
    throw new SyncflowError('usage', `${db.description} has no tables that this role can see`, {
      hint: 'Is it the right database? To begin without one: --template shop.',
    });
  } finally {
    await db.close();
  }
}

async function choose(
  { tables, others }: Found,
  options: Options,
  prompter: Prompter | undefined,
  cli: Cli,
): Promise<Selection[]> {
  const fit = tables.filter((table) => unfit(table) === undefined);
  const chosen = await chooseTables({ tables, fit, others }, options, prompter, cli);
  const candidates = chosen.flatMap((table) =>
    possibleParents(table, tables)
      .filter(({ parent }) => chosen.includes(parent))
      .map((one) => ({ ...one, table })),
  );
  const children = await chooseChildren(candidates, options, prompter);
  return chosen
    .filter((table) => !children.some((child) => child.table === table))
    .map((table) => ({ table, children: children.filter(({ parent }) => parent === table) }));
}

async function chooseTables(
  { tables, fit, others }: Found & { readonly fit: readonly FoundTable[] },
  options: Options,
  prompter: Prompter | undefined,
  cli: Cli,
): Promise<readonly FoundTable[]> {
  if (options.tables !== undefined) return named(options.tables, tables, others);
  for (const table of tables) {
    const why = unfit(table);
    if (why !== undefined) cli.output.note(visible(`${tableId(table)} can't be a catalog: ${why}`));
  }
  if (fit.length === 0)
    throw new SyncflowError('usage', 'no table can be a catalog', { hint: 'Give one a primary key.' });
  if (prompter === undefined) return fit;
  const ids = fit.map(tableId);
  const chosen = given(
    await prompter.some(
      'Which tables are to be in sync?',
      fit.map((table) => ({ value: tableId(table), hint: `key ${(table.key ?? []).join(', ')}` })),
      ids,
    ),
  );
  if (chosen.length === 0)
    throw new SyncflowError('usage', 'no table was chosen; nothing was written', {
      hint: 'Choose with the space bar; or begin with --template empty.',
    });
  return fit.filter((table) => chosen.includes(tableId(table)));
}

/** Tables by name: `order`, `sales.order`; in any case, where only one can be meant. */
function named(list: string, tables: readonly FoundTable[], others: readonly FoundRelation[]): FoundTable[] {
  const ids = tables.map(tableId);
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return [...new Set(names)].map((name) => {
    const bare = name.replace(/^public\./, '');
    const exact = tables.find((table) => tableId(table) === bare);
    const [loose, ...more] = tables.filter(
      (table) => [tableId(table), table.table].includes(bare) || tableId(table).toLowerCase() === bare.toLowerCase(),
    );
    const table = exact ?? (more.length === 0 ? loose : undefined);
    if (table === undefined) {
      const other = others.find((one) => tableId(one) === bare);
      if (other !== undefined)
        throw new SyncflowError('usage', `${name} is ${other.what}, and no table`, {
          hint: 'A catalog needs a table: its changes are captured by triggers. Name the table that stands behind it.',
        });
      const guess = didYouMean(bare, ids);
      throw new SyncflowError('usage', `there is no table "${name}"`, {
        hint: guess === undefined ? `There are: ${ids.join(', ')}.` : `Did you mean "${guess}"?`,
      });
    }
    const why = unfit(table);
    if (why !== undefined)
      throw new SyncflowError('usage', `${name} can't be a catalog: ${why}`, {
        hint: 'Change the table, or leave it out.',
      });
    return table;
  });
}

type Candidate = ReturnType<typeof possibleParents>[number] & { readonly table: FoundTable };

async function chooseChildren(
  candidates: readonly Candidate[],
  options: Options,
  prompter: Prompter | undefined,
): Promise<Candidate[]> {
  const valueOf = (one: Candidate): string => `${tableId(one.table)} of ${tableId(one.parent)}`;
  const likely = candidates.filter((one) => one.likely);
  let chosen: readonly Candidate[] = likely;
  if (options.children !== undefined) chosen = namedChildren(options.children, candidates);
  else if (prompter !== undefined && candidates.length > 0) {
    const answer = given(
      await prompter.some(
        'Which tables hold rows that belong to their parent (lines of an order)?',
        candidates.map((one) => ({ value: valueOf(one), hint: `by ${one.column}` })),
        likely.map(valueOf),
      ),
    );
    chosen = candidates.filter((one) => answer.includes(valueOf(one)));
  }
  // a row has one parent, and child rows have none of their own
  const one = chosen.filter((child, index) => chosen.findIndex(({ table }) => table === child.table) === index);
  return one.filter(({ parent }) => !one.some(({ table }) => table === parent));
}

function namedChildren(list: string, candidates: readonly Candidate[]): Candidate[] {
  if (list.trim() === 'none') return [];
  return list.split(',').map((name) => {
    const found = candidates.find(({ table }) => tableId(table) === name.trim());
    if (found !== undefined) return found;
    const possible = [...new Set(candidates.map(({ table }) => tableId(table)))];
    throw new SyncflowError('usage', `the rows of "${name.trim()}" can't be child rows`, {
      hint: `They need a key of one column, a reference to one parent that is never NULL, and nobody else may refer to them. ${possible.length === 0 ? 'No table here is like that.' : `There are: ${possible.join(', ')}.`}`,
    });
  });
}

function fromTemplate({ classes, systems }: Template, folder: string, force: boolean): Written[] {
  const js = importExtension(extensionOf(folder));
  const parts = partsOf(systems);
  return writeProject(folder, {
    classes,
    ...(classes.length === 0 ? {} : { catalogs: templateFile('catalogs', js) }),
    subscribers: systems.map((name) => ({ name, text: templateFile(name, js) })),
    accounts: parts,
    env: [
      '# postgres://user:password@host:5432/name; without it, an embedded hub in .syncflow/hub',
      '# DATABASE_URL=',
      ...parts.flatMap(({ env }) => env),
    ],
    force,
  });
}

const partsOf = (systems: readonly string[]) => systems.flatMap((name) => systemParts(name) ?? []);

function templateSteps({ classes, systems }: Template): string[] {
  const parts = partsOf(systems);
  const keys = parts.flatMap(({ env }) => env.flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []));
  const install = ['npm install syncflow zod', ...parts.map(({ peer }) => peer)].join(' ');
  return [
    `${install} && npm install -D typescript @types/node`,
    ...(keys.length === 0 ? [] : [`cp .env.example .env, and set ${keys.join(' and ')} in it`]),
    ...(classes.length === 0
      ? ['npx syncflow generate catalog customer', 'npx syncflow generate subscriber customer stripe']
      : []),
    'npx syncflow check, then npx syncflow start',
  ];
}

function warn(cli: Cli, drafts: readonly CatalogDraft[]): void {
  const { yellow } = cli.output.errorColors;
  for (const { schema, table } of drafts.flatMap((one) =>
    [one, ...one.children].map((table) => ({ schema: one.schema, table })),
  )) {
    const lost = table.leftOut.filter((one) => one.needed && !table.fillsOnInsert).map(({ name }) => `"${name}"`);
    if (lost.length > 0)
      cli.output.note(
        yellow(
          visible(
            `${tableId({ schema, table: table.table })}: ${lost.join(', ')} is NOT NULL without a default and can't be a field: Syncflow can't insert there`,
          ),
        ),
      );
  }
}

function say(cli: Cli, written: readonly Written[], folder: string, steps: readonly string[]): void {
  const { bold, dim, green, yellow } = cli.output.colors;
  for (const { path, what } of written)
    cli.output.line(
      `${what === 'kept' ? yellow('kept ') : green(what.padEnd(5))} ${path}${what === 'kept' ? dim(' (it was there)') : ''}`,
    );
  cli.output.line();
  cli.output.line(bold(folder === cli.io.cwd ? 'Next:' : `Next, in ${folder}:`));
  for (const [index, step] of steps.entries()) cli.output.line(`  ${index + 1}. ${step}`);
}
