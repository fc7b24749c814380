/** What a plan says of each remote and record; of ambiguous ones the candidates, to choose from. */
import type { ItemKind, PlanRow } from '../../../src/server/dashboard/contract.js';
import { showKey, showValue } from '../data/format.js';
import { ActButton } from '../ui/confirm.js';
import { Badge, Empty, Failed, Loading } from '../ui/parts.js';
import { usePages } from '../ui/rows.js';

interface Props {
  readonly subscriber: string;
  readonly kind: ItemKind | undefined;
  readonly title: string;
  readonly mayDecide: boolean;
}

export function PlanItems({ subscriber, kind, title, mayDecide }: Props) {
  const { query, rows } = usePages<PlanRow>('plan-items', { subscriber, ...(kind === undefined ? {} : { kind }) });
  return (
    <section className="card" aria-labelledby="items">
      <div className="card-head">
        <h2 id="items">{title}</h2>
      </div>
      {query.isPending && <Loading lines={6} />}
      {query.isError && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && <Empty title="None of that kind" />}
      <ul className="feed">
        {rows.map((item) => (
          <Item key={item.id} item={item} subscriber={subscriber} mayDecide={mayDecide} />
        ))}
      </ul>
      {query.hasNextPage && (
        <div className="card-foot">
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </button>
        </div>
      )}
    </section>
  );
}

interface ItemProps {
  readonly item: PlanRow;
  readonly subscriber: string;
  readonly mayDecide: boolean;
}

function Item({ item, subscriber, mayDecide }: ItemProps) {
  const { key, remoteId, label, remoteLabel, differ, note, kind } = item;
  return (
    <li className="entry plan-item">
      <div className="grow stack tight">
        <p className="row wrap">
          {key !== null && <Who word="record" id={showKey(key)} label={label} />}
          {key !== null && remoteId !== null && <span className="muted">=</span>}
          {remoteId !== null && <Who word="remote" id={remoteId} label={remoteLabel} />}
        </p>
        {note !== null && <p className="small soft">{note}</p>}
        {differ.map(({ unit, hub, remote, winner, rule }) => (
          <p key={unit} className="small">
            <span className="strong">{unit}</span>{' '}
            {winner === 'remote' ? <del>{showValue(hub)}</del> : <ins>{showValue(hub)}</ins>}{' '}
            <span className="muted">here</span>,{' '}
            {winner === 'hub' ? <del>{showValue(remote)}</del> : <ins>{showValue(remote)}</ins>}{' '}
            <span className="muted">there · {rule}</span>
          </p>
        ))}
        {kind === 'ambiguous' && <Candidates item={item} subscriber={subscriber} mayDecide={mayDecide} />}
      </div>
    </li>
  );
}

function Who({ word, id, label }: { readonly word: string; readonly id: string; readonly label: string | null }) {
  return (
    <span>
      <span className="small muted">{word}</span> <span className="strong">{id}</span>
      {label !== null && <span className="soft"> {label}</span>}
    </span>
  );
}

function Candidates({ item, subscriber, mayDecide }: ItemProps) {
  const { remoteId, key, records, remotes, decision } = item;
  const subject = remoteId === null ? { key: key ?? '' } : { remoteId };
  if (decision !== null)
    return (
      <p className="row wrap">
        <Badge tone="good">
          {decision.do === 'link'
            ? `decided: linked to ${decision.key === undefined ? '' : showKey(decision.key)}`
            : decision.do === 'new'
              ? 'decided: a partner of its own'
              : 'decided: left alone'}
        </Badge>
        {mayDecide && <Choices item={item} subscriber={subscriber} subject={subject} again />}
      </p>
    );
  return (
    <>
      {remotes.length > 0 && (
        <p className="small soft">
          Also in question: {remotes.map(({ id, label }) => (label === null ? id : `${id} (${label})`)).join(', ')}
        </p>
      )}
      {mayDecide ? (
        <Choices item={item} subscriber={subscriber} subject={subject} />
      ) : (
        records.length > 0 && (
          <p className="small soft">Candidates: {records.map(({ id }) => showKey(id)).join(', ')}</p>
        )
      )}
    </>
  );
}

interface ChoicesProps {
  readonly item: PlanRow;
  readonly subscriber: string;
  readonly subject: object;
  readonly again?: boolean;
}

function Choices({ item: { remoteId, records, decision }, subscriber, subject, again = false }: ChoicesProps) {
  const decide = (what: object) => ({ path: 'decide', body: { subscriber, ...subject, ...what } });
  const isNew = decision?.do;
  return (
    <span className="row wrap" role="group" aria-label={again ? 'Decide otherwise' : 'Decide'}>
      {remoteId !== null &&
        records
          .filter(({ id }) => decision?.key !== id)
          .map(({ id, label }) => (
            <ActButton key={id} {...decide({ do: 'link', key: id })} className={again ? 'button plain' : 'button'}>
              It is {showKey(id)}
              {label === null ? '' : `, ${label.split(' · ')[0] ?? ''}`}
            </ActButton>
          ))}
      {isNew !== 'new' && (
        <ActButton {...decide({ do: 'new' })} className="button plain">
          {remoteId === null ? 'Make a remote for it' : 'Make a record for it'}
        </ActButton>
      )}
      {isNew !== 'leave' && (
        <ActButton {...decide({ do: 'leave' })} className="button plain">
          Leave it alone
        </ActButton>
      )}
    </span>
  );
}
