/** What is set aside, by cause, each with its cure: ten thousand records are usually two mistakes. */
import { useQuery } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { CauseView, LabelledLink } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { plural } from '../data/format.js';
import { Confirm } from '../ui/confirm.js';
import { parkedColumns } from '../ui/links.js';
import { Ago, Badge, Empty, Failed, Loading } from '../ui/parts.js';
import { Rows } from '../ui/rows.js';

export function Parked() {
  const causes = useQuery({
    queryKey: ['causes'],
    queryFn: ({ signal }) => read<{ causes: CauseView[] }>('causes', {}, signal),
    refetchInterval: 4_000,
  });
  const all = causes.data?.causes ?? [];
  const total = all.reduce((sum, one) => sum + one.count, 0);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>Parked</h1>
          <p>
            {total === 0
              ? 'What can’t be synced is set aside here with its reason, while everything else goes on. Nothing is dropped.'
              : `${plural(total, 'record')}, ${plural(all.length, 'cause')}. The rest goes on meanwhile; an edit of a record is tried by itself.`}
          </p>
        </div>
      </div>
      {causes.isPending && <Loading />}
      {causes.isError && <Failed error={causes.error} onRetry={() => void causes.refetch()} />}
      {causes.isSuccess && all.length === 0 && (
        <section className="card">
          <Empty title="Nothing is parked">Every record that can be synced is synced, or on its way.</Empty>
        </section>
      )}
      {all.map((one) => (
        <Cause key={`${one.code} ${one.cause}`} one={one} />
      ))}
    </>
  );
}

const held = new Set(['brake', 'brake-updates', 'truncate']);

function Cause({ one }: { readonly one: CauseView }) {
  const [isOpen, setOpen] = useState(false);
  const { code, cause, count, subscribers, newest, cure, example } = one;
  return (
    <section className="card" aria-label={`${code}: ${cause}`}>
      <div className="cause">
        <div className="grow stack tight">
          <p className="row wrap">
            <Badge tone="warn">{code}</Badge>
            <span className="strong">{plural(count, 'record')}</span>
            <span className="small muted">
              {subscribers.join(', ')} · newest <Ago at={newest} />
            </span>
          </p>
          <p className="reason">{cause === '' ? 'No reason was given.' : cause}</p>
          <p className="small soft">
            <span className="strong">Cure:</span> {cure}
          </p>
        </div>
        <div className="row wrap">
          <button type="button" className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Hide records' : 'Show records'}
          </button>
          {held.has(code) ? (
            <Link href={`/s/${example.subscriber}`} className="button">
              See the guard
            </Link>
          ) : (
            <Confirm
              label={
                <>
                  <RotateCcw aria-hidden="true" /> Retry {count === 1 ? 'it' : 'all'}
                </>
              }
              title={`Try ${plural(count, 'record')} again?`}
              confirm="Try again"
              deed={{ path: 'retry-cause', body: { code, cause } }}
            >
              <p>
                Each is planned anew from what both sides hold now. Where the cause is still there, it is parked again
                with its reason: nothing is lost by trying.
              </p>
            </Confirm>
          )}
        </div>
      </div>
      {isOpen && (
        <Rows<LabelledLink>
          name="Records of this cause"
          path="parked"
          body={{ code, cause }}
          columns={parkedColumns}
          empty={<Empty title="None is left" />}
        />
      )}
    </section>
  );
}
