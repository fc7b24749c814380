/** The page of one entry point: every public name with its doc comment and its declaration, in groups. */
import type { Declaration } from './declarations.js';
import { page, table } from './markdown.js';

/** Headings by where a name is declared; the first that fits. */
export type Groups = readonly (readonly [prefix: string, heading: string])[];

export const coreGroups: Groups = [
  ['src/syncflow.ts', 'Syncflow'],
  ['src/operated.ts', 'Syncflow'],
  ['src/options.ts', 'Syncflow'],
  ['src/outward/retry.ts', 'Syncflow'],
  ['src/cli/', 'Syncflow'],
  ['src/catalog/', 'Catalogs'],
  ['src/subscriber/outcome.ts', 'Outcomes'],
  ['src/subscriber/http.ts', 'Outcomes'],
  ['src/subscriber/lens.ts', 'Lenses'],
  ['src/subscriber/mapping.ts', 'Mappings'],
  ['src/subscriber/policy.ts', 'Policies'],
  ['src/subscriber/', 'Subscribers'],
  ['src/errors.ts', 'Errors and events'],
  ['src/events.ts', 'Errors and events'],
  ['src/store/database.ts', 'Databases'],
  ['src/store/open.ts', 'Databases'],
  ['src/store/postgres.ts', 'Databases'],
  ['src/store/embedded.ts', 'Databases'],
  ['src/engine/', 'Databases'],
  ['src/server/', 'HTTP'],
  ['', 'Reports'],
];

export interface ApiPage {
  readonly specifier: string;
  readonly intro: string;
  readonly groups: Groups;
}

export function apiPage({ specifier, intro, groups }: ApiPage, declarations: readonly Declaration[]): string {
  const headings = [...new Set(groups.map(([, heading]) => heading))];
  const headingOf = ({ path }: Declaration): string =>
    groups.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'Names';
  const parts = headings.flatMap((heading) => {
    const own = declarations.filter((one) => headingOf(one) === heading);
    if (own.length === 0) return [];
    return [...(heading === '' ? [] : [`## ${heading}`]), ...own.map(entry)];
  });
  return page('the doc comments in `src/`', `\`${specifier}\``, [intro, ...parts]);
}

function entry({ name, about, parameters, throws, examples, code }: Declaration): string {
  return [
    `### ${name}`,
    about,
    `\`\`\`ts declaration\n${code}\n\`\`\``,
    parameters.length === 0
      ? ''
      : table(
          ['', ''],
          parameters.map(([one, text]) => [`\`${one}\``, text]),
        ),
    throws.length === 0 ? '' : `Throws ${throws.join('; ')}`,
    ...examples.map((example) => `Example:\n\n\`\`\`ts example\n${example}\n\`\`\``),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
