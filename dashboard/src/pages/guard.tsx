/** The mass-change guard: deletes that are held until somebody says that they were meant. */
import { ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import type { LinkRow, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { plural } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Confirm } from '../ui/confirm.js';
import { parkedColumns } from '../ui/links.js';
import { Empty } from '../ui/parts.js';
import { Rows } from '../ui/rows.js';

const heldCodes = ['brake', 'truncate'];

export function Guard({ one }: { readonly one: SubscriberView }) {
  const [isOpen, setOpen] = useState(false);
  const parked = useLive((state) => state.overview?.parked);
  const held = (parked ?? []).filter(
    ({ subscriber, code }) => subscriber === one.subscriber && heldCodes.includes(code),
  );
  const total = held.reduce((sum, entry) => sum + entry.count, 0);
  if (total === 0) return null;
  return (
    <section className="card warned" aria-labelledby="guard">
      <div className="card-head">
        <ShieldAlert aria-hidden="true" className="word-warn" size={20} />
        <div className="grow">
          <h2 id="guard">{plural(total, 'delete')} held</h2>
          <p className="small soft">So many at once look like a mistake. Were they meant?</p>
        </div>
        <button type="button" className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide the list' : 'Show the list'}
        </button>
        <Confirm
          label="Release"
          title={`Release ${plural(total, 'delete')}?`}
          confirm={`Delete ${plural(total, 'record')}`}
          danger
          deed={{ path: 'release', body: { subscriber: one.subscriber } }}
        >
          <p>
            {plural(total, 'record')} of <strong>{one.subscriber}</strong> are deleted on the other side now. For ten
            minutes no further delete is held. This can’t be undone.
          </p>
          <p>To keep them, don’t release: restore the rows (or the remotes), and they are taken up by themselves.</p>
        </Confirm>
      </div>
      {isOpen &&
        held.map(({ code }) => (
          <Rows<LinkRow>
            key={code}
            name={`Held: ${code}`}
            path="parked-code"
            body={{ code, subscriber: one.subscriber }}
            columns={parkedColumns}
            empty={<Empty title="Nothing is held any more" />}
          />
        ))}
    </section>
  );
}
