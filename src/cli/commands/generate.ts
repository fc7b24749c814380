/** `syncflow generate` */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { didYouMean, SyncflowError } from '../../errors.js';
import type { Cli } from '../context.js';
import { catalogFile } from '../scaffold/catalog-source.js';
import { declaredTable } from '../scaffold/declared-fields.js';
import { addLines, packageOf, writeFiles, type NewFile, type Written } from '../scaffold/files.js';
import { findCatalogs, loadCatalog } from '../scaffold/find-catalogs.js';
import { catalogNameOf, classNameOf, fileNameOf } from '../scaffold/names.js';
import { accountsMark, extensionOf, importExtension, importsMark, withCatalog } from '../scaffold/project.js';
import { shapeOf, type MainShape } from '../scaffold/shape.js';
import { stripeKindOf, stripeKinds, type StripeKind } from '../scaffold/stripe-source.js';
import { couchSubscriber, stripeSubscriber } from '../scaffold/subscriber-source.js';
import { knownSystems, systemParts } from '../scaffold/systems.js';
import { conformanceTest } from '../scaffold/test-source.js';
import { accountFile, unknownSubscriber } from '../scaffold/unknown-system.js';

interface CatalogOptions {
  readonly fields?: string;
  readonly table?: string;
  readonly dir?: string;
  readonly force?: boolean;
}

interface SubscriberOptions {
  readonly own?: boolean;
  readonly as?: StripeKind;
  readonly dir?: string;
  readonly force?: boolean;
}

export function addGenerate(program: Command, cli: Cli): void {
  const generate = program.command('generate').alias('g').description('write a class from a template');
  generate
    .command('catalog')
    .description('a main class (to read an existing table, use `syncflow init`)')
    .argument('<name>', 'customer, order_line …')
    .option(
      '--fields <list>',
      'name:text(80),price:decimal(10,2)?,state:enum(new|paid),customer_id:ref(customer); ? may be null',
    )
    .option('--table <name>', 'the table, if it is called otherwise')
    .option('--dir <folder>', 'where to write (default: here)')
    .option('--force', 'overwrite files that are there')
    .action((name: string, options: CatalogOptions) => generateCatalog(cli, name, options));
  generate
    .command('subscriber')
    .description('a subscriber class and its test, for stripe, couchdb or a system of your own')
    .argument('<catalog>', 'the name of a main class’s catalog')
    .argument('<system>', `${knownSystems.join(', ')}, or any other name`)
    .addOption(
      new Option('--as <kind>', 'what the records are in Stripe; guessed from the name').choices([...stripeKinds]),
    )
    .option('--own', 'a system of your own, although its name is nearly that of a known one')
    .option('--dir <folder>', 'where to write (default: here)')
    .option('--force', 'overwrite files that are there')
    .action((catalog: string, system: string, options: SubscriberOptions) =>
      generateSubscriber(cli, catalog, system, options),
    );
}

function generateCatalog(cli: Cli, name: string, options: CatalogOptions): void {
  const folder = resolve(cli.io.cwd, options.dir ?? '.');
  const extension = extensionOf(folder);
  if (catalogNameOf(name) !== name) {
    throw new SyncflowError('usage', `"${name}" can't be a catalog's name`, {
      hint: `Use letters, digits, "_" and "-": ${catalogNameOf(name)}. A table of any name is given with --table.`,
    });
  }
  const existing = existsSync(folder) ? findCatalogs(folder) : [];
  const path = `${fileNameOf(name)}.${extension}`;
  const twin = existing.find((one) => one.name === name && one.path !== path);
  if (twin !== undefined)
    throw new SyncflowError('usage', `there is a main class of "${name}" already: ${twin.className} in ${twin.path}`, {
      hint: `Change that one, or choose another name and give the table: --table ${options.table ?? name}`,
    });
  const { draft, classes } = declaredTable(name, options.table ?? name, options.fields ?? 'name:text', existing);
  const imports = classes.map((one) => `import { ${one.className} } from './${one.path.replace(/ts$/, 'js')}';`);
  const className = classNameOf(name);
  const text = catalogFile([{ ...draft, className }], `The main class of ${name}.`, imports);
  const written = writeFiles(folder, [{ path, text }], options.force === true);
  const from = moduleFrom(cli.io.cwd, join(folder, path));
  const listed = changeConfig(cli.io.cwd, (config) => withCatalog(config, className, from));
  say(
    cli,
    [...written, ...(listed === undefined ? [] : [listed])],
    [
      ...(listed === undefined
        ? [`list it in syncflow.config: import { ${className} } from '${from}', catalogs: [${className}]`]
        : []),
      `npx syncflow generate subscriber ${name} stripe`,
    ],
  );
}

async function generateSubscriber(
  cli: Cli,
  catalog: string,
  system: string,
  options: SubscriberOptions,
): Promise<void> {
  if (!/^[a-z][\w-]*$/i.test(system)) {
    throw new SyncflowError('usage', `"${system}" can't be a system's name`, {
      hint: 'Use letters, digits, "_" and "-".',
    });
  }
  const meant = knownSystems.includes(system) || options.own === true ? undefined : didYouMean(system, knownSystems);
  if (meant !== undefined)
    throw new SyncflowError('usage', `there is no connector for "${system}"`, {
      hint: `Did you mean "${meant}"? For a system of your own of that name: --own`,
    });
  const root = cli.io.cwd;
  const folder = resolve(root, options.dir ?? '.');
  const found = await loadCatalog(root, catalog);
  const shape = shapeOf(found.main, found.className);
  const extension = extensionOf(folder);
  const stem = `${fileNameOf(system)}-${fileNameOf(found.name)}`;
  const place = {
    system,
    className: `${classNameOf(system)}${found.className}`,
    mainFrom: moduleFrom(folder, join(root, found.path)),
    subscriberFrom: `./${stem}.${importExtension(extension)}`,
    accountClass: `${classNameOf(system)}Account`,
    accountFrom: `./${fileNameOf(system)}-account.${importExtension(extension)}`,
  };
  const runner = usesVitest(folder) ? 'vitest' : 'node:test';
  const isKnown = knownSystems.includes(system);
  const account = isKnown ? undefined : { className: place.accountClass, from: place.accountFrom };
  const files: NewFile[] = [
    { path: `${stem}.${extension}`, text: subscriberText(shape, place, options) },
    { path: `${stem}.test.${extension}`, text: conformanceTest(shape, { ...place, runner, account }) },
    ...(isKnown
      ? []
      : [
          {
            path: `${fileNameOf(system)}-account.${extension}`,
            text: accountFile(system, place.accountClass),
            optional: true,
          },
        ]),
  ];
  const written = writeFiles(folder, files, options.force === true);
  const entered = enter(root, moduleFrom(root, join(folder, `${stem}.${extension}`)), system);
  const { peer, env } = systemParts(system) ?? {};
  const asked = env === undefined || entered === undefined ? undefined : addLines(root, '.env.example', env);
  const steps = [
    ...(peer === undefined || hasDependency(folder, peer) ? [] : [`npm install ${peer}`]),
    ...(asked === undefined ? [] : ['set what .env.example asks for in .env']),
    ...(isKnown ? [] : [`fill in create, update, delete and fetch in ${stem}.${extension}`]),
    ...(entered === undefined
      ? [`in syncflow.config: import '${place.subscriberFrom}'; and an account: accounts: { ${system}: … }`]
      : isKnown
        ? []
        : [`give the account in syncflow.config: accounts: { ${system}: new ${place.accountClass}(…) }`]),
    `look through the mapping, then: npx syncflow check`,
    runner === 'vitest' ? `npx vitest run ${stem}` : `npx tsx --test ${stem}.test.${extension}`,
  ];
  say(cli, [...written, ...[entered, asked].filter((one) => one !== undefined)], steps);
}

type Place = Parameters<typeof unknownSubscriber>[1];

function subscriberText(shape: MainShape, place: Place, options: SubscriberOptions): string {
  if (place.system === 'couchdb') return couchSubscriber(shape, place);
  if (place.system !== 'stripe') return unknownSubscriber(shape, place);
  const kind = options.as ?? stripeKindOf(shape.name);
  if (kind !== undefined) return stripeSubscriber(shape, kind, place);
  throw new SyncflowError('usage', `what "${shape.name}" is in Stripe can't be told from its name`, {
    hint: `Say it: --as ${stripeKinds.join(', --as ')}.`,
  });
}

/** The specifier by which a file is imported from a folder. */
function moduleFrom(folder: string, file: string): string {
  const path = relative(folder, file).replaceAll('\\', '/').replace(/ts$/, 'js');
  return path.startsWith('.') ? path : `./${path}`;
}

const usesVitest = (folder: string): boolean => hasDependency(folder, 'vitest');

function hasDependency(folder: string, name: string): boolean {
  const value: Readonly<Record<string, unknown>> = packageOf(folder)?.value ?? {};
  const named = {
    ...(value['dependencies'] as object | undefined),
    ...(value['devDependencies'] as object | undefined),
  };
  return Object.hasOwn(named, name);
}

/** Adds the subscriber and its account to a config that `init` made: where its marks are, and nowhere else. */
function enter(root: string, from: string, system: string): Written | undefined {
  return changeConfig(root, (before) => {
    if (!before.includes(importsMark) || !before.includes(accountsMark)) return undefined;
    if (before.includes(`'${from}'`)) return undefined;
    const account = systemParts(system);
    const text = before.replace(importsMark, `import '${from}';\n${importsMark}`);
    if (account === undefined || text.includes(account.imports)) return text;
    return text
      .replace(importsMark, `${account.imports}\n${importsMark}`)
      .replace(accountsMark, `${account.line}\n    ${accountsMark}`);
  });
}

/** @param change gives the new text; undefined leaves the config as it is */
function changeConfig(root: string, change: (text: string) => string | undefined): Written | undefined {
  const name = ['syncflow.config.ts', 'syncflow.config.mts'].find((one) => existsSync(join(root, one)));
  if (name === undefined) return undefined;
  const text = change(readFileSync(join(root, name), 'utf8'));
  if (text === undefined) return undefined;
  writeFileSync(join(root, name), text);
  return { path: name, what: 'added to' };
}

function say(cli: Cli, written: readonly Written[], steps: readonly string[]): void {
  const { bold, green } = cli.output.colors;
  for (const { path, what } of written) cli.output.line(`${green(what.padEnd(5))} ${path}`);
  cli.output.line();
  cli.output.line(bold('Next:'));
  for (const [index, step] of steps.entries()) cli.output.line(`  ${index + 1}. ${step}`);
}
