/** A catalog with one subscriber: where its records stand, its long runs, the guard, and what can be done. */
import { ClipboardList, GitCompareArrows, ListRestart, Pause, Play, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from 'wouter';
import type { LabelledLink, LinkFilter, LinkOrder, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { count, duration } from '../data/format.js';
import { healthOf } from '../data/health.js';
import { useLive } from '../data/live.js';
import { ActButton, Confirm } from '../ui/confirm.js';
import { linkColumns } from '../ui/links.js';
import { Badge, Empty, Loading } from '../ui/parts.js';
import { Rows } from '../ui/rows.js';
import { Guard } from './guard.js';
import { Runs } from './runs.js';
import { Verified } from './verified.js';

export function Subscriber() {
  const { catalog, as } = useParams<{ catalog: string; as: string }>();
  const id = `${catalog}/${as}`;
  const overview = useLive((state) => state.overview);
  if (overview === undefined) return <Loading lines={8} />;
  const one = overview.subscribers.find(({ subscriber }) => subscriber === id);
  if (one === undefined)
    return <Empty title={`There is no subscriber ${id} here`}>It may have been renamed, or taken out.</Empty>;
  return <Known key={id} one={one} />;
}

function Known({ one }: { readonly one: SubscriberView }) {
  const { tone, word } = healthOf(one);
  return (
    <>
      <div className="page-head">
        <div>
          <p className="small muted">Subscriber</p>
          <h1 className="row wrap">
            {one.subscriber} <Badge tone={tone}>{word}</Badge>
          </h1>
          <p className="small">
            {one.lagMs < 1_000 ? 'Nothing is late.' : `The oldest change waits for ${duration(one.lagMs)}.`}{' '}
            {one.feed?.lastEventMs != null && <>Heard from {duration(one.feed.lastEventMs)} ago.</>}
          </p>
        </div>
        <Buttons one={one} />
      </div>
      {one.lastError !== undefined && tone !== 'good' && one.parked === 0 && (
        <p className="note small">Last problem: {one.lastError}</p>
      )}
      <Guard one={one} />
      <Runs one={one} />
      <Verified subscriber={one.subscriber} />
      <Links one={one} />
    </>
  );
}

function Buttons({ one }: { readonly one: SubscriberView }) {
  const { subscriber } = one;
  return (
    <div className="row wrap">
      <ActButton path="sync" body={{}}>
        <RefreshCw aria-hidden="true" /> Sync now
      </ActButton>
      <ActButton path="verify" body={{ subscriber }}>
        <GitCompareArrows aria-hidden="true" /> Compare
      </ActButton>
      <Link href={`/s/${subscriber}/plan`} className="button">
        <ClipboardList aria-hidden="true" /> Plan
      </Link>
      <Confirm
        label={
          <>
            <ListRestart aria-hidden="true" /> List anew
          </>
        }
        title={`List both sides of ${subscriber} anew?`}
        confirm="List anew"
        deed={{ path: 'rescan', body: { subscriber } }}
      >
        <p>
          Every record and every remote is looked at again, behind live edits. On a large catalog this takes many
          requests.
        </p>
      </Confirm>
      {one.paused ? (
        <ActButton path="resume" body={{ subscriber }} className="button primary">
          <Play aria-hidden="true" /> Resume
        </ActButton>
      ) : (
        <Confirm
          label={
            <>
              <Pause aria-hidden="true" /> Pause
            </>
          }
          title={`Pause ${subscriber}?`}
          confirm="Pause"
          deed={{ path: 'pause', body: { subscriber } }}
        >
          <p>
            Nothing is sent or taken over until somebody resumes it. Changes on both sides are noted, and synced then.
          </p>
        </Confirm>
      )}
    </div>
  );
}

const filters: readonly (readonly [LinkFilter | 'all', string, (one: SubscriberView) => number | undefined])[] = [
  ['all', 'All', () => undefined],
  ['agreement', 'In agreement', (one) => one.inAgreement],
  ['waiting', 'Waiting', (one) => one.waiting],
  ['parked', 'Parked', (one) => one.parked],
  ['conflict', 'In conflict', (one) => one.conflicts],
  ['left-alone', 'Left alone', (one) => one.excluded],
  ['tombstone', 'Deleted', (one) => one.tombstones],
];

const nothingThere: Readonly<Record<LinkFilter | 'all', string>> = {
  all: 'No record and no remote is known yet',
  agreement: 'No pair is in agreement yet',
  waiting: 'Nothing waits: every change has arrived',
  parked: 'Nothing is parked',
  conflict: 'No conflict is open',
  'left-alone': 'Nothing is left alone',
  tombstone: 'Nothing was deleted',
};

const orders: readonly (readonly [LinkOrder, string])[] = [
  ['oldest', 'Oldest first'],
  ['newest', 'Newest first'],
  ['changed', 'Synced last first'],
];

/** Begins the list with a record: nobody scrolls through 100,000. */
function Jump({ from, onJump }: { readonly from: string; readonly onJump: (from: string) => void }) {
  const [text, setText] = useState(from);
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        onJump(text.trim());
      }}
    >
      <input
        className="field jump"
        aria-label="Begin the list with this key or remote id"
        placeholder="Jump to key or id"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {from !== '' && (
        <button
          type="button"
          className="button plain"
          onClick={() => {
            setText('');
            onJump('');
          }}
        >
          From the start
        </button>
      )}
    </form>
  );
}

function Links({ one }: { readonly one: SubscriberView }) {
  const [filter, setFilter] = useState<LinkFilter | 'all'>(one.parked > 0 ? 'parked' : 'all');
  const [order, setOrder] = useState<LinkOrder>('oldest');
  const [from, setFrom] = useState('');
  const body = {
    subscriber: one.subscriber,
    order,
    ...(filter === 'all' ? {} : { filter }),
    ...(from === '' ? {} : { from }),
  };
  return (
    <section className="card" aria-label="Records">
      <div className="card-head">
        <div className="tabs" role="group" aria-label="Which records">
          {filters.map(([value, name, number]) => (
            <button
              key={value}
              type="button"
              className="tab"
              aria-pressed={filter === value}
              onClick={() => setFilter(value)}
            >
              {name}
              {number(one) !== undefined && <span className="muted">{count(number(one) ?? 0)}</span>}
            </button>
          ))}
        </div>
        <Jump from={from} onJump={setFrom} />
        <select
          className="field"
          aria-label="Order"
          value={order}
          onChange={(event) => setOrder(event.target.value as LinkOrder)}
        >
          {orders.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <Rows<LabelledLink>
        key={JSON.stringify(body)}
        name={`Records of ${one.subscriber}`}
        path="links"
        body={body}
        columns={linkColumns}
        refreshMs={5_000}
        empty={<Empty title={nothingThere[filter]} />}
      />
    </section>
  );
}
