/** A whole plan as a file: HTML for people, CSV for spreadsheets. Pure. */
import { extname } from 'node:path';
import { SyncflowError } from '../errors.js';
import type { PlanReport } from '../first-load/first-load.js';
import type { ItemKind } from '../first-load/item.js';
import type { DescribedItem, PlanSide } from '../first-load/sides.js';
import type { ItemCount } from '../store/plans.js';
import { showRecordKey } from './context.js';
import { short } from './output.js';

export interface ReportFormat {
  readonly head: string;
  readonly tail: string;
  /** What stands before the items of a subscriber, and before and after those of a kind. */
  readonly begin: (report: PlanReport) => string;
  readonly beginKind: (counted: ItemCount) => string;
  readonly endKind: string;
  readonly row: (cells: readonly string[]) => string;
}

const columns = [
  'subscriber',
  'what',
  'record',
  'remote',
  'candidates',
  'here',
  'there',
  'differs',
  'decision',
  'note',
];

const kinds: Readonly<Record<ItemKind, string>> = {
  linked: 'linked already',
  marker: 'linked by our marker',
  match: 'one here and one there match: linked',
  ambiguous: 'ambiguous: parked until decided',
  here: 'only here: a remote is made',
  there: 'only there: a record is made',
  left: 'left alone',
};

/** Where it comes to nothing, it isn't made. */
const bare: Readonly<Partial<Record<ItemKind, string>>> = {
  marker: 'bears our marker',
  match: 'one here and one there match',
  here: 'only here',
  there: 'only there',
};

export interface CountLine {
  readonly count: number;
  readonly text: string;
  readonly isUrgent: boolean;
}

/** What becomes of the items of a kind, each fate counted apart. */
export function countsOf({ kind, count, decided, differing, parked, waiting, outside }: ItemCount): CountLine[] {
  const more = [
    ...(differing > 0 ? [`${differing} differ in a field`] : []),
    ...(decided > 0 ? [`${decided} decided`] : []),
  ];
  const alone = bare[kind] ?? kinds[kind];
  const lines: CountLine[] = [
    {
      count: count - parked - waiting - outside,
      text: `${kinds[kind]}${more.length > 0 ? ` (${more.join(', ')})` : ''}`,
      isUrgent: kind === 'ambiguous' && decided < count,
    },
    { count: parked, text: `${alone}, and parked: it can’t be synced as it is`, isUrgent: true },
    { count: waiting, text: `${alone}, and waiting for what it refers to`, isUrgent: false },
    { count: outside, text: `${alone}, and left alone: outside of the subscriber’s where`, isUrgent: false },
  ];
  return lines.filter((line) => line.count > 0);
}

/** @throws SyncflowError `usage` for a name that ends otherwise */
export function reportFormat(file: string): ReportFormat {
  switch (extname(file).toLowerCase()) {
    case '.csv':
      return { head: csvRow(columns), tail: '', begin: none, beginKind: none, endKind: '', row: csvRow };
    case '.html':
      return {
        head: htmlHead,
        tail: '</body></html>\n',
        begin: htmlSummary,
        beginKind: (counted) =>
          `<h3>${countsOf(counted).map(htmlCount).join('<br>')}</h3>\n<table><thead>${htmlRow(columns, 'th')}</thead><tbody>\n`,
        endKind: '</tbody></table>\n',
        row: (cells) => htmlRow(cells, 'td'),
      };
    default:
      throw new SyncflowError('usage', `${file}: a report is .html or .csv`, { hint: 'Write: --report plan.html' });
  }
}

const none = (): string => '';

export function planPage(format: ReportFormat, subscriber: string, items: readonly DescribedItem[]): string {
  return items.map((item) => format.row(cellsOf(subscriber, item))).join('');
}

function cellsOf(subscriber: string, item: DescribedItem): string[] {
  const { kind, key, remoteId, records, remotes, detail, decision } = item;
  const { differ = [], note = '' } = detail;
  const others = [
    ...records.filter(({ id }) => id !== key).map(({ id }) => `record ${showRecordKey(id)}`),
    ...remotes.filter(({ id }) => id !== remoteId).map(({ id }) => `remote ${id}`),
  ];
  return [
    subscriber,
    kind,
    key === null ? '' : showRecordKey(key),
    remoteId ?? '',
    others.join(', '),
    sidesText(records, (id) => showRecordKey(id)),
    sidesText(remotes, (id) => id),
    differ
      .map(
        ({ unit, hub, remote, winner }) =>
          `${unit}: ${JSON.stringify(hub)} here, ${JSON.stringify(remote)} there, ${winner} stays`,
      )
      .join('; '),
    decision === null ? '' : `${decision.do}${decision.key === undefined ? '' : ` ${showRecordKey(decision.key)}`}`,
    note,
  ];
}

/** What one side holds; where there are several, each by its name. */
function sidesText(sides: readonly PlanSide[], name: (id: string) => string): string {
  const [only, ...more] = sides;
  if (only === undefined) return '';
  if (more.length === 0) return valuesText(only, []);
  return sides.map((side) => `${name(side.id)}: ${valuesText(side, [])}`).join('\n');
}

const longestValue = 60;

/** Mapped values on a line, those that are compared first. */
export function valuesText({ values }: PlanSide, match: readonly string[]): string {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== '');
  if (entries.length === 0) return 'its values aren’t known';
  return entries
    .sort(([a], [b]) => Number(match.includes(b)) - Number(match.includes(a)))
    .map(([unit, value]) => `${unit} ${short(typeof value === 'string' ? value : JSON.stringify(value), longestValue)}`)
    .join(', ');
}

/** A cell that a spreadsheet would take for a formula gets an apostrophe: values come from elsewhere. */
function csvRow(cells: readonly string[]): string {
  return `${cells
    .map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',')}\r\n`;
}

function htmlSummary({ subscriber, createdAt, match, kinds: counted, differences }: PlanReport): string {
  const by = match.length === 0 ? 'no match units are declared' : `matched by ${match.join(', ')}`;
  const counts = counted.flatMap(countsOf).map((line) => `<li>${htmlCount(line)}</li>`);
  const fields = differences.map(({ unit, count, winner, rule }) => htmlRow([unit, String(count), winner, rule], 'td'));
  return [
    `<h2>${escaped(subscriber)}</h2>\n<p>Made ${escaped(createdAt)}; ${escaped(by)}.</p>\n`,
    counts.length === 0 ? '<p>Nothing on either side.</p>\n' : `<ul>${counts.join('')}</ul>\n`,
    fields.length === 0
      ? ''
      : `<h3>Fields that differ, and whose value would stay</h3>\n<table><thead>${htmlRow(['field', 'pairs', 'stays', 'because'], 'th')}</thead><tbody>\n${fields.join('')}</tbody></table>\n`,
  ].join('');
}

const htmlCount = ({ count, text, isUrgent }: CountLine): string => {
  const line = escaped(`${count}  ${text}`);
  return isUrgent ? `<b>${line}</b>` : line;
};

function htmlRow(cells: readonly string[], tag: 'td' | 'th'): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const htmlHead = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Plan of a first load</title>
<style>body{font:14px system-ui;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top;white-space:pre-line}</style>
</head><body><h1>Plan of a first load</h1>
`;
