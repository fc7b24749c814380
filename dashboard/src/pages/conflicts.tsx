/** Where both sides had changed the same thing: what won, by which rule, what lost, and what somebody decides about it. */
import { useState } from 'react';
import { Link } from 'wouter';
import type { ConflictEntry } from '../../../src/server/dashboard/contract.js';
import { showJson, showKey } from '../data/format.js';
import { Ago, Badge, Empty, Failed, Loading } from '../ui/parts.js';
import { usePages } from '../ui/rows.js';
import { ResolveButtons } from './resolve.js';

export function Conflicts() {
  const [open, setOpen] = useState(true);
  const { query, rows } = usePages<ConflictEntry>('conflicts', { open }, 4_000);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>Conflicts</h1>
          <p>
            Both sides changed the same field. The declared rule decided at once; the value that lost is kept here, and
            can be put back.
          </p>
        </div>
        <div className="tabs" role="group" aria-label="Which conflicts">
          <button type="button" className="tab" aria-pressed={open} onClick={() => setOpen(true)}>
            Open
          </button>
          <button type="button" className="tab" aria-pressed={!open} onClick={() => setOpen(false)}>
            All
          </button>
        </div>
      </div>
      {query.isPending && <Loading />}
      {query.isError && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <section className="card">
          <Empty title={open ? 'No conflict is open' : 'There never was a conflict'}>
            Edits of different fields are merged; only the same field on both sides makes one.
          </Empty>
        </section>
      )}
      {rows.map((one) => (
        <Conflict key={one.id} one={one} />
      ))}
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
          Show older
        </button>
      )}
    </>
  );
}

function Conflict({ one }: { readonly one: ConflictEntry }) {
  const { id, link, subscriber, key, label, unit, hub, remote, base, winner, rule, at, resolvedAt, resolvedBy, taken } =
    one;
  const catalog = subscriber.split('/')[0] ?? '';
  return (
    <section className="card" aria-label={`${unit} of ${catalog} ${showKey(key)}`}>
      <div className="card-head">
        <div className="grow">
          <h2>
            <Link href={`/r/${link}`}>
              {catalog} {showKey(key)}
            </Link>{' '}
            <span className="soft">· {unit}</span>
          </h2>
          {label !== null && <p className="small muted clip">{label}</p>}
        </div>
        <span className="small muted">
          {subscriber} · <Ago at={at} />
        </span>
      </div>
      <div className="sides">
        <Side name="Hub" value={showJson(hub)} won={winner === 'hub'} />
        <Side name="Before" value={showJson(base)} quiet />
        <Side name={subscriber.split('/')[1] ?? 'Remote'} value={showJson(remote)} won={winner === 'remote'} />
      </div>
      <div className="card-foot">
        <p className="small soft grow">
          {winner === 'merged' ? 'Merged' : `The ${winner}’s value won`}: {rule}
        </p>
        {resolvedAt === null ? (
          <ResolveButtons id={id} unit={unit} hub={hub} remote={remote} />
        ) : (
          <p className="small muted">
            {resolvedBy} took {taken === 'value' ? 'another value' : `the ${taken ?? ''}’s`}, <Ago at={resolvedAt} />
          </p>
        )}
      </div>
    </section>
  );
}

function Side({
  name,
  value,
  won = false,
  quiet = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly won?: boolean;
  readonly quiet?: boolean;
}) {
  return (
    <div className={`side-value${won ? ' won' : ''}${quiet ? ' quiet' : ''}`}>
      <p className="small muted row">
        {name} {won && <Badge tone="good">won</Badge>}
      </p>
      <p className="value">{value}</p>
    </div>
  );
}
