/** Everything that happened, live, by direction, kind and subscriber. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { HistoryEntry, HistoryEvent } from '../../../src/server/dashboard/contract.js';
import { count } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Empty, Failed, Loading } from '../ui/parts.js';
import { usePages } from '../ui/rows.js';
import { Entry } from './feed.js';

const kinds: readonly (readonly [string, readonly HistoryEvent[] | undefined])[] = [
  ['Everything', undefined],
  ['Hub → remote', ['created', 'updated', 'deleted', 'overwritten']],
  ['Remote → hub', ['record-created', 'record-updated', 'record-deleted']],
  ['Parked', ['parked']],
  ['Paired', ['linked', 'unlinked']],
  ['By hand', ['operated', 'released', 'discarded']],
];

export function Activity() {
  const [kind, setKind] = useState(0);
  const [subscriber, setSubscriber] = useState('');
  const overview = useLive((state) => state.overview);
  const skipped = useLive((state) => state.skipped);
  const events = kinds[kind]?.[1];
  const body = { ...(subscriber === '' ? {} : { subscriber }), ...(events === undefined ? {} : { events }) };
  const { query, rows } = usePages<HistoryEntry>('activity', body);
  const shown = useJoined(rows, events, subscriber);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>Activity</h1>
          <p>Each write on either side, and who asked for it. Kept for 90 days.</p>
        </div>
      </div>
      <section className="card" aria-label="Activity">
        <div className="card-head">
          <div className="tabs grow" role="group" aria-label="Kind">
            {kinds.map(([name], index) => (
              <button
                key={name}
                type="button"
                className="tab"
                aria-pressed={kind === index}
                onClick={() => setKind(index)}
              >
                {name}
              </button>
            ))}
          </div>
          <select
            className="field"
            aria-label="Subscriber"
            value={subscriber}
            onChange={(event) => setSubscriber(event.target.value)}
          >
            <option value="">All subscribers</option>
            {overview?.subscribers.map((one) => (
              <option key={one.subscriber}>{one.subscriber}</option>
            ))}
          </select>
        </div>
        {skipped > 0 && (
          <p className="note small">
            {count(skipped)} more changes came too fast to be shown one by one; “Show older” has them.
          </p>
        )}
        {query.isPending && <Loading lines={8} />}
        {query.isError && <Failed error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && shown.length === 0 && <Empty title="Nothing of that kind has happened" />}
        <LongFeed entries={shown} />
        {query.hasNextPage && (
          <div className="card-foot">
            <button
              type="button"
              className="button"
              disabled={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              Show older
            </button>
          </div>
        )}
      </section>
    </>
  );
}

const entryHeight = 58;

/** However many there are, and however fast they come: only those in view are drawn. */
function LongFeed({ entries }: { readonly entries: readonly HistoryEntry[] }) {
  const top = useRef<HTMLUListElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset(top.current?.offsetTop ?? 0), [entries.length]);
  const virtual = useWindowVirtualizer({
    count: entries.length,
    estimateSize: () => entryHeight,
    overscan: 10,
    scrollMargin: offset,
    getItemKey: (index) => entries[index]?.id ?? index,
  });
  return (
    <ul className="feed long" ref={top} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start, key }) => {
        const entry = entries[index];
        return entry === undefined ? null : (
          <li key={key} style={{ height: entryHeight, transform: `translateY(${start - offset}px)` }}>
            <Entry entry={entry} />
          </li>
        );
      })}
    </ul>
  );
}

/** What was read, and before it what has come since. */
function useJoined(
  rows: readonly HistoryEntry[],
  events: readonly HistoryEvent[] | undefined,
  subscriber: string,
): readonly HistoryEntry[] {
  const activity = useLive((state) => state.activity);
  return useMemo(() => {
    const known = new Set(rows.map(({ id }) => id));
    const fresh = activity.filter(
      (one) =>
        !known.has(one.id) &&
        Number(one.id) > Number(rows.at(-1)?.id ?? 0) &&
        (events === undefined || events.includes(one.event)) &&
        (subscriber === '' || one.subscriber === subscriber),
    );
    return [...fresh, ...rows].sort((a, b) => Number(b.id) - Number(a.id));
  }, [rows, events, subscriber, activity]);
}
