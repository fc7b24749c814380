/** The generated reference: path from the root → text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPage, coreGroups, type ApiPage } from './api-page.js';
import { cliPage } from './cli-page.js';
import { Declarations } from './declarations.js';
import { codesPage, eventsPage, metricsPage } from './tables.js';

interface EntryPage extends ApiPage {
  readonly entry: string;
  readonly path: string;
}

const entries: readonly EntryPage[] = [
  {
    entry: 'src/index.ts',
    path: 'docs/reference/api.md',
    specifier: 'syncflow',
    intro: 'Every public name of the core, with its types, defaults and the errors it throws.',
    groups: coreGroups,
  },
  {
    entry: 'src/connectors/stripe/index.ts',
    path: 'docs/reference/stripe.md',
    specifier: 'syncflow/stripe',
    intro:
      'The Stripe connector: the account, and a base class for each kind of object, to extend with a mapping of yours.',
    groups: [['', '']],
  },
  {
    entry: 'src/connectors/couchdb/index.ts',
    path: 'docs/reference/couchdb.md',
    specifier: 'syncflow/couchdb',
    intro: 'The CouchDB connector: the account, and the base class of documents.',
    groups: [['', '']],
  },
  {
    entry: 'src/testing/index.ts',
    path: 'docs/reference/testing.md',
    specifier: 'syncflow/testing',
    intro: 'What tests need: the conformance suite, a system in memory, and the simulators of Stripe and CouchDB.',
    groups: [
      ['src/testing/conformance/', 'Conformance'],
      ['src/testing/memory-system/', 'A system in memory'],
      ['src/testing/stripe-simulator/', 'Stripe'],
      ['', 'CouchDB'],
    ],
  },
];

export function referencePages(root: string): Map<string, string> {
  const declarations = new Declarations(
    root,
    entries.map(({ entry }) => entry),
  );
  const members = (name: string) => declarations.members('src/events.ts', name);
  return new Map([
    ...entries.map((one): [string, string] => [one.path, apiPage(one, declarations.of(one.entry))]),
    ['docs/reference/cli.md', cliPage()],
    ['docs/reference/events.md', eventsPage(members('RecordEvent'), members('SyncflowEvents'))],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/codes.md', codesPage(readFileSync(join(root, 'src/outward/plan.ts'), 'utf8'))],
  ]);
}
