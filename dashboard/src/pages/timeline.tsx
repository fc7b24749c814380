/** What happened to a record, newest first, with the cause of each change. */
import { useState } from 'react';
import type { Explanation, TimelineEntry } from '../../../src/server/dashboard/contract.js';
import { clock, deed, showValue } from '../data/format.js';
import { Badge, Empty } from '../ui/parts.js';
import { showBy } from './fields.js';
import { ResolveButtons } from './resolve.js';

const shownFirst = 25;

export function Timeline({ explanation }: { readonly explanation: Explanation }) {
  const [all, setAll] = useState(false);
  const [isLong, setLong] = useState(false);
  const wanted = explanation.timeline.filter((one) => all || one.event !== 'event').toReversed();
  const entries = isLong ? wanted : wanted.slice(0, shownFirst);
  const quiet = explanation.timeline.length - explanation.timeline.filter((one) => one.event !== 'event').length;
  return (
    <section className="card" aria-labelledby="timeline">
      <div className="card-head">
        <h2 id="timeline" className="grow">
          Timeline
        </h2>
        {quiet > 0 && (
          <button type="button" className="tab" aria-pressed={all} onClick={() => setAll(!all)}>
            {quiet} {quiet === 1 ? 'event' : 'events'} that changed nothing
          </button>
        )}
      </div>
      {entries.length === 0 && <Empty title="Nothing has happened to it yet" />}
      <ol className="timeline">
        {entries.map((entry, index) => (
          <Happened key={`${entry.at} ${index}`} entry={entry} />
        ))}
      </ol>
      {entries.length < wanted.length && (
        <div className="card-foot">
          <button type="button" className="button" onClick={() => setLong(true)}>
            Show {wanted.length - entries.length} older
          </button>
        </div>
      )}
      {explanation.truncated && (
        <p className="note small">There is more: the newest 500 entries of each kind are shown.</p>
      )}
    </section>
  );
}

function Happened({ entry }: { readonly entry: TimelineEntry }) {
  const { at, subscriber, direction, by, editedAt, changes, conflict, parked, note, units, event } = entry;
  const told = changes.filter(({ from, to }) => showValue(from) !== showValue(to));
  const others = units.filter((unit) => !changes.some((one) => one.unit === unit) && conflict?.unit !== unit);
  return (
    <li className={direction}>
      <p className="row wrap">
        <span className="strong">{event === 'event' ? 'event' : deed(event)}</span>
        <span className="small muted">{subscriber}</span>
        <time className="small muted" dateTime={at}>
          {clock(at)}
        </time>
      </p>
      {by !== null && (
        <p className="small soft">
          edited by {showBy(by)}
          {editedAt !== null && ` at ${clock(editedAt)}`}
        </p>
      )}
      {told.length > 0 && (
        <ul className="changes">
          {told.map(({ unit, from, to, rule }) => (
            <li key={unit}>
              <span className="strong">{unit}</span> <del>{showValue(from)}</del> <span aria-hidden="true">→</span>{' '}
              <ins>{showValue(to)}</ins> <span className="small muted">{rule}</span>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && changes.length === 0 && <p className="small soft">{others.join(', ')}</p>}
      {parked !== undefined && (
        <p className="small word-warn">
          {parked.code}: {parked.reason}
        </p>
      )}
      {note !== undefined && <p className="small muted">{note}</p>}
      {conflict !== undefined && (
        <div className="stack tight">
          <p className="small">
            <span className="strong">{conflict.unit}</span>: hub {showValue(conflict.hub)}, remote{' '}
            {showValue(conflict.remote)}; {conflict.winner === 'merged' ? 'merged' : `the ${conflict.winner}’s won`}{' '}
            <span className="muted">({conflict.rule})</span>
          </p>
          {conflict.resolved === null ? (
            <ResolveButtons
              id={conflict.id}
              unit={conflict.unit}
              hub={JSON.stringify(conflict.hub)}
              remote={JSON.stringify(conflict.remote)}
            />
          ) : (
            <p className="small">
              <Badge tone="good">decided</Badge> by {conflict.resolved.by}
            </p>
          )}
        </div>
      )}
    </li>
  );
}
