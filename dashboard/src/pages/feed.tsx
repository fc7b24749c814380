/** Entries of the audit, newest first, as they come. */
import { ArrowLeft, ArrowRight, Hand, Link2, OctagonPause, Unlink, type LucideIcon } from 'lucide-react';
import { memo } from 'react';
import { Link } from 'wouter';
import type { HistoryEntry, HistoryEvent } from '../../../src/server/dashboard/contract.js';
import { deed, duration, flowOf, showKey, showWriter } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Ago, Empty } from '../ui/parts.js';

export function Feed({ limit }: { readonly limit: number }) {
  const activity = useLive((state) => state.activity);
  const overview = useLive((state) => state.overview);
  if (activity.length === 0 && overview !== undefined)
    return <Empty title="Nothing has happened yet">The first change on either side appears here at once.</Empty>;
  return (
    <ul className="feed">
      {activity.slice(0, limit).map((entry) => (
        <li key={entry.id}>
          <Entry entry={entry} />
        </li>
      ))}
    </ul>
  );
}

/** Drawn once: an entry of history never changes. */
export const Entry = memo(function Entry({ entry }: { readonly entry: HistoryEntry }) {
  const { at, subscriber, key, label, remoteId, link, units, tookMs, editedBy, reason, code, event } = entry;
  const flow = flowOf(entry);
  const name = key === null ? (remoteId ?? '') : showKey(key);
  const catalog = subscriber.split('/')[0] ?? '';
  const who = showWriter(editedBy);
  const facts = [
    ...(units.length > 0
      ? [units.slice(0, 6).join(', ') + (units.length > 6 ? ` and ${units.length - 6} more` : '')]
      : []),
    ...(event === 'parked' ? [`${code ?? ''}: ${reason ?? ''}`] : []),
    ...(event === 'operated' ? [reason ?? code ?? ''] : []),
    ...(who === null ? [] : [`by ${event === 'operated' ? (editedBy ?? '').slice(1) : who}`]),
    ...(tookMs !== null && tookMs >= 0 && flow !== 'none' ? [`after ${duration(tookMs)}`] : []),
  ];
  return (
    <div className="entry">
      <Sign event={event} flow={flow} />
      <div className="grow">
        <p className="clip">
          {name !== '' &&
            (link === null ? (
              <span className="strong">
                {catalog} {name}
              </span>
            ) : (
              <Link href={`/r/${link}`} className="strong">
                {catalog} {name}
              </Link>
            ))}{' '}
          {label !== null && <span className="muted small">{label} </span>}
          <span className="soft">{deed(event)}</span>{' '}
          <span className="muted small">{subscriber === '*' ? 'everything' : subscriber}</span>
        </p>
        {facts.length > 0 && <p className="clip small muted">{facts.join(' · ')}</p>}
      </div>
      <span className="small muted">
        <Ago at={at} />
      </span>
    </div>
  );
});

const signs: Readonly<Partial<Record<HistoryEvent, LucideIcon>>> = {
  linked: Link2,
  unlinked: Unlink,
  parked: OctagonPause,
  operated: Hand,
};

function Sign({ event, flow }: { readonly event: HistoryEvent; readonly flow: string }) {
  const Icon = signs[event] ?? (flow === 'inward' ? ArrowLeft : ArrowRight);
  const tone = event === 'parked' || event === 'overwritten' ? 'warn' : flow;
  return (
    <span className={`sign ${tone}`}>
      <Icon aria-hidden="true" />
      <span className="sr">{flow === 'inward' ? 'remote to hub' : flow === 'outward' ? 'hub to remote' : event}</span>
    </span>
  );
}
