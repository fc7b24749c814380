/** The mass-change guard: changes that are held until somebody says that they were meant, or takes them back; and what either would do. */
import { useQuery } from '@tanstack/react-query';
import { createColumnHelper } from '@tanstack/react-table';
import { ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { HeldCount, HeldRow, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { plural, showValue, showWriter } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Confirm } from '../ui/confirm.js';
import { NamedRecord } from '../ui/links.js';
import { Ago, Badge, Empty, Loading } from '../ui/parts.js';
import { features, Rows, type Column } from '../ui/rows.js';

const heldCodes = ['brake', 'brake-updates', 'truncate'];

const helper = createColumnHelper<typeof features, HeldRow>();
const columns = [
  helper.display({ id: 'record', header: 'Record', cell: ({ row }) => <NamedRecord row={row.original} /> }),
  helper.display({
    id: 'what',
    header: 'If released',
    cell: ({ row }) => <Change held={row.original} />,
  }),
  helper.display({
    id: 'by',
    header: 'Made by',
    cell: ({ row: { original } }) => (
      <span className="small soft">
        {showWriter(original.by) ?? (original.direction === 'outward' ? 'somebody in the hub' : 'somebody there')}
      </span>
    ),
  }),
  helper.display({
    id: 'since',
    header: 'Held since',
    cell: ({ row }) => (
      <span className="small muted">
        <Ago at={row.original.since} />
      </span>
    ),
  }),
] as Column<HeldRow>[];

/** In words, with whom it happens to and what changes. */
function Change({ held }: { readonly held: HeldRow }) {
  const { operation, direction, remoteId, subscriber, changes, id, key } = held;
  const system = systemOf(subscriber);
  const where = direction === 'outward' ? `in ${system}` : 'in the hub';
  return (
    <span>
      <Badge tone={operation === 'delete' ? 'bad' : 'warn'}>
        {operation === 'delete' ? 'deleted' : 'updated'} {where}
      </Badge>
      {changes === null && <span className="mono small muted second clip">{remoteId ?? ''}</span>}
      {changes !== null && <Fields changes={changes} />}
      {operation === 'update' && direction === 'inward' && key !== null && (
        <span className="small second">
          <Link href={`/r/${id}`}>Read what {system} has now</Link>
        </span>
      )}
    </span>
  );
}

function Fields({ changes }: { readonly changes: NonNullable<HeldRow['changes']> }) {
  if (changes.length === 0) return <span className="small muted">both sides agree again: nothing</span>;
  const told = changes.map(({ unit, from, to }) => `${unit}: ${showValue(from)} → ${showValue(to)}`).join('; ');
  return (
    <span className="small second clip" title={told}>
      {changes.map(({ unit, from, to }) => (
        <span key={unit} className="one-change">
          <span className="strong">{unit}</span> <del>{showValue(from)}</del> → <ins>{showValue(to)}</ins>
        </span>
      ))}
    </span>
  );
}

const systemOf = (subscriber: string): string => subscriber.split('/')[1] ?? 'the remote';

/** What releasing and what discarding comes to, a sentence for each kind. */
function consequence({ subscriber, direction, operation, count }: HeldCount, catalog: string) {
  const system = systemOf(subscriber);
  const [remotes, records] = [plural(count, 'remote'), plural(count, `${catalog} record`)];
  if (direction === 'outward')
    return operation === 'delete'
      ? {
          release: `${remotes} are deleted in ${system}: their records were deleted here.`,
          discard: `${records} are inserted here again, with the fields that both sides last agreed on; ${system} isn’t touched.`,
        }
      : {
          release: `${remotes} are updated in ${system} with what the hub holds now.`,
          discard: `${records} get the values back that both sides last agreed on; ${system} isn’t touched, other subscribers get them, too.`,
        };
  return operation === 'delete'
    ? {
        release: `${records} are deleted here, and from there in every other subscriber: their remotes were deleted in ${system}.`,
        discard: `${remotes} are made again in ${system}; the records here stay.`,
      }
    : {
        release: `${records} are updated here with what ${system} has now, and from there in every other subscriber.`,
        discard: `${remotes} are overwritten in ${system} with what the hub holds; the records here stay.`,
      };
}

export function Guard({ one }: { readonly one: SubscriberView }) {
  const [isOpen, setOpen] = useState(true);
  const parked = useLive((state) => state.overview?.parked);
  const { subscriber, catalog } = one;
  const held = (parked ?? []).filter((entry) => entry.subscriber === subscriber && heldCodes.includes(entry.code));
  const total = held.reduce((sum, entry) => sum + entry.count, 0);
  const counted = useQuery({
    queryKey: ['held-counts', subscriber, total],
    queryFn: ({ signal }) => read<{ counts: HeldCount[] }>('held-counts', { subscriber }, signal),
    enabled: total > 0,
    placeholderData: (before) => before,
  });
  if (total === 0) return null;
  const changes = plural(total, 'change');
  const told = (counted.data?.counts ?? []).map((count) => consequence(count, catalog));
  const hasDelete = (counted.data?.counts ?? []).some(({ operation }) => operation === 'delete');
  return (
    <section className="card warned" aria-labelledby="guard">
      <div className="card-head">
        <ShieldAlert aria-hidden="true" className="word-warn" size={20} />
        <div className="grow">
          <h2 id="guard">{changes} held</h2>
          <p className="small soft">So many at once look like a mistake. Were they meant?</p>
        </div>
        <button type="button" className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide the list' : 'Show the list'}
        </button>
        <Confirm
          label="Discard…"
          title={`Take ${changes} back?`}
          confirm={`Take ${changes} back`}
          deed={{ path: 'discard', body: { subscriber } }}
        >
          <p>They were a mistake:</p>
          <Sentences told={told.map(({ discard }) => discard)} />
          <p>Fields that are mapped inward only can’t be taken back; what can’t be is said, and stays held.</p>
        </Confirm>
        <Confirm
          label="Release…"
          title={`Release ${changes}?`}
          confirm={`Make ${changes}`}
          danger
          deed={{ path: 'release', body: { subscriber } }}
        >
          <p>They were meant, and are made now, as the list shows them:</p>
          <Sentences told={told.map(({ release }) => release)} />
          <p>
            For ten minutes nothing further of {subscriber} is held.
            {hasDelete && <strong> A delete can’t be undone.</strong>}
          </p>
        </Confirm>
      </div>
      <dl className="either">
        <div>
          <dt>If you release</dt>
          {counted.isPending ? <Loading lines={1} /> : told.map(({ release }) => <dd key={release}>{release}</dd>)}
        </div>
        <div>
          <dt>If you discard</dt>
          {counted.isPending ? <Loading lines={1} /> : told.map(({ discard }) => <dd key={discard}>{discard}</dd>)}
        </div>
      </dl>
      {isOpen && (
        <Rows<HeldRow>
          name={`Held changes of ${subscriber}`}
          path="held"
          body={{ subscriber }}
          columns={columns}
          empty={<Empty title="Nothing is held any more" />}
        />
      )}
    </section>
  );
}

function Sentences({ told }: { readonly told: readonly string[] }) {
  return (
    <ul className="sentences">
      {told.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}
