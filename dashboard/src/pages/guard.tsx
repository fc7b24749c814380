/** The mass-change guard: changes that are held until somebody says that they were meant, or takes them back. */
import { createColumnHelper } from '@tanstack/react-table';
import { ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import type { HeldChange, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { plural } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Confirm } from '../ui/confirm.js';
import { RecordLink } from '../ui/links.js';
import { Ago, Badge, Empty } from '../ui/parts.js';
import { features, Rows, type Column } from '../ui/rows.js';

const heldCodes = ['brake', 'brake-updates', 'truncate'];

const helper = createColumnHelper<typeof features, HeldChange>();
const columns = [
  helper.display({ id: 'record', header: 'Record', cell: ({ row }) => <RecordLink row={row.original} /> }),
  helper.display({
    id: 'what',
    header: 'What would happen',
    cell: ({ row: { original } }) => (
      <Badge tone={original.operation === 'delete' ? 'bad' : 'warn'}>
        {original.operation === 'delete' ? 'deleted' : 'updated'} {original.direction === 'outward' ? 'there' : 'here'}
      </Badge>
    ),
  }),
  helper.display({
    id: 'remote',
    header: 'Remote',
    cell: ({ row }) => <span className="mono small">{row.original.remoteId ?? '—'}</span>,
  }),
  helper.display({
    id: 'since',
    header: 'Since',
    cell: ({ row }) => (
      <span className="small muted">
        <Ago at={row.original.since} />
      </span>
    ),
  }),
] as Column<HeldChange>[];

export function Guard({ one }: { readonly one: SubscriberView }) {
  const [isOpen, setOpen] = useState(false);
  const parked = useLive((state) => state.overview?.parked);
  const { subscriber } = one;
  const held = (parked ?? []).filter((entry) => entry.subscriber === subscriber && heldCodes.includes(entry.code));
  const total = held.reduce((sum, entry) => sum + entry.count, 0);
  if (total === 0) return null;
  const changes = plural(total, 'change');
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
          label="Discard"
          title={`Take ${changes} back?`}
          confirm={`Take ${changes} back`}
          deed={{ path: 'discard', body: { subscriber } }}
        >
          <p>
            They were a mistake: each record of <strong>{subscriber}</strong> is put back to what the other side still
            has.
          </p>
        </Confirm>
        <Confirm
          label="Release"
          title={`Release ${changes}?`}
          confirm={`Make ${changes}`}
          danger
          deed={{ path: 'release', body: { subscriber } }}
        >
          <p>
            They were meant: {changes} of <strong>{subscriber}</strong> are made now, as the list shows them, deletes
            among them. For ten minutes nothing further is held. A delete can’t be undone.
          </p>
        </Confirm>
      </div>
      {isOpen && (
        <Rows<HeldChange>
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
