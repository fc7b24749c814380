/** Columns of lists of links. */
import { createColumnHelper } from '@tanstack/react-table';
import { Link } from 'wouter';
import type { LabelledLink } from '../../../src/server/dashboard/contract.js';
import { showKey } from '../data/format.js';
import { Ago, Badge, type Tone } from './parts.js';
import { features, type Column } from './rows.js';

export function standingOf(
  row: Pick<LabelledLink, 'parkedCode' | 'paused' | 'state' | 'dueAt' | 'attempts' | 'conflicts'>,
): { readonly tone: Tone; readonly word: string } {
  if (row.parkedCode !== null) return { tone: 'warn', word: `parked: ${row.parkedCode}` };
  if (row.paused) return { tone: 'warn', word: 'paused' };
  if (row.state === 'gone') return { tone: 'plain', word: 'tombstone' };
  if (row.dueAt !== null) return { tone: 'plain', word: row.attempts > 0 ? `retrying (${row.attempts})` : 'waiting' };
  if (row.state === 'excluded') return { tone: 'plain', word: 'left alone' };
  if (row.conflicts > 0) return { tone: 'warn', word: 'open conflict' };
  return row.state === 'linked' ? { tone: 'good', word: 'in agreement' } : { tone: 'plain', word: 'not paired' };
}

type Linked = Pick<LabelledLink, 'id' | 'key' | 'remoteId'>;

export function RecordLink({ row }: { readonly row: Linked }) {
  if (row.key === null) return <span className="mono">{row.remoteId ?? '—'}</span>;
  return (
    <Link href={`/r/${row.id}`} className="strong">
      {showKey(row.key)}
    </Link>
  );
}

/** The key, and what people know the record by. */
export function NamedRecord({ row }: { readonly row: Linked & { readonly label: string | null } }) {
  return (
    <span title={row.label ?? undefined}>
      <RecordLink row={row} />
      {row.label !== null && <span className="small muted second clip">{row.label}</span>}
    </span>
  );
}

const helper = createColumnHelper<typeof features, LabelledLink>();

export const recordColumn = helper.display({
  id: 'record',
  header: 'Record',
  cell: ({ row }) => <NamedRecord row={row.original} />,
});
export const remoteColumn = helper.accessor('remoteId', {
  header: 'Remote',
  cell: ({ row }) => <span className="mono small">{row.original.remoteId ?? '—'}</span>,
});
export const subscriberColumn = helper.accessor('subscriber', {
  header: 'Subscriber',
  cell: ({ row }) => row.original.subscriber,
});
export const standingColumn = helper.display({
  id: 'standing',
  header: 'Stands',
  cell: ({ row }) => {
    const { tone, word } = standingOf(row.original);
    return <Badge tone={tone}>{word}</Badge>;
  },
});
export const noteColumn = helper.display({
  id: 'note',
  header: 'Why',
  cell: ({ row }) => (
    <span className="small muted" title={row.original.parkedReason ?? row.original.lastError ?? ''}>
      {row.original.parkedReason ?? (row.original.dueAt === null ? null : row.original.lastError) ?? ''}
    </span>
  ),
});
export const sinceColumn = helper.display({
  id: 'since',
  header: 'Since',
  cell: ({ row }) => {
    const at = row.original.parkedAt ?? row.original.settledAt;
    return at === null ? (
      <span className="muted">—</span>
    ) : (
      <span className="small muted">
        <Ago at={at} />
      </span>
    );
  },
});

export const linkColumns = [
  recordColumn,
  remoteColumn,
  standingColumn,
  noteColumn,
  sinceColumn,
] as Column<LabelledLink>[];
export const parkedColumns = [recordColumn, subscriberColumn, noteColumn, sinceColumn] as Column<LabelledLink>[];
