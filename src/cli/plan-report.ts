/** A whole plan as a file: HTML for people, CSV for spreadsheets. Pure. */
import { extname } from 'node:path';
import { SyncflowError } from '../errors.js';
import type { PlanItem } from '../store/plans.js';
import { showRecordKey } from './context.js';

export interface ReportFormat {
  readonly head: string;
  readonly tail: string;
  readonly row: (cells: readonly string[]) => string;
}

const columns = ['subscriber', 'what', 'record', 'remote', 'candidates', 'differs', 'decision', 'note'];

/** @throws SyncflowError `usage` for a name that ends otherwise */
export function reportFormat(file: string): ReportFormat {
  switch (extname(file).toLowerCase()) {
    case '.csv':
      return { head: csvRow(columns), tail: '', row: csvRow };
    case '.html':
      return {
        head: `${htmlHead}<thead>${htmlRow(columns, 'th')}</thead><tbody>\n`,
        tail: '</tbody></table></body></html>\n',
        row: (cells) => htmlRow(cells, 'td'),
      };
    default:
      throw new SyncflowError('usage', `${file}: a report is .html or .csv`, { hint: 'Write: --report plan.html' });
  }
}

export function planPage(format: ReportFormat, subscriber: string, items: readonly PlanItem[]): string {
  return items.map((item) => format.row(cellsOf(subscriber, item))).join('');
}

function cellsOf(subscriber: string, { kind, key, remoteId, detail, decision }: PlanItem): string[] {
  const { records = [], remotes = [], differ = [], note = '' } = detail;
  return [
    subscriber,
    kind,
    key === null ? '' : showRecordKey(key),
    remoteId ?? '',
    [...records.map((one) => showRecordKey(one)), ...remotes].join(', '),
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

/** A cell that a spreadsheet would take for a formula gets an apostrophe: values come from elsewhere. */
function csvRow(cells: readonly string[]): string {
  return `${cells
    .map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',')}\r\n`;
}

function htmlRow(cells: readonly string[], tag: 'td' | 'th'): string {
  return `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const htmlHead = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Plan of a first load</title>
<style>body{font:14px system-ui;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}</style>
</head><body><h1>Plan of a first load</h1><table>`;
