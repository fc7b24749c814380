/** One record: both sides field by field with what was agreed on between, where each value came from, and all that happened. */
import { useQuery } from '@tanstack/react-query';
import { Eye, Pause, Play, RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from 'wouter';
import type { Explanation, RecordView, SubscriberReport } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { showKey } from '../data/format.js';
import { ActButton, Confirm } from '../ui/confirm.js';
import { Badge, Failed, Loading, type Tone } from '../ui/parts.js';
import { Fields } from './fields.js';
import { Lines } from './lines.js';
import { PairButtons } from './pair.js';
import { Timeline } from './timeline.js';

export function Record() {
  const { link } = useParams<{ link: string }>();
  const [fetch, setFetch] = useState(false);
  const view = useQuery({
    queryKey: ['record', link, fetch],
    queryFn: ({ signal }) => read<RecordView>('record', { link, fetch }, signal),
    refetchInterval: fetch ? false : 3_000,
    placeholderData: (before) => before,
  });
  if (view.isPending) return <Loading lines={10} />;
  if (view.isError) return <Failed error={view.error} onRetry={() => void view.refetch()} />;
  const { explanation, links, lines, references } = view.data;
  const { catalog, key, record, softDeleted } = explanation;
  return (
    <>
      <div className="page-head">
        <div>
          <p className="small muted">{catalog}</p>
          <h1 className="row wrap">
            {showKey(key)}
            {record === null && <Badge tone="plain">no row here</Badge>}
            {softDeleted && <Badge tone="plain">soft-deleted</Badge>}
            {explanation.unrouted.length > 0 && <Badge tone="plain">an edit is being taken in</Badge>}
          </h1>
          {record !== null && <p className="clip">{aboutRecord(record.fields)}</p>}
        </div>
        <button
          type="button"
          className="button"
          aria-pressed={fetch}
          onClick={() => (fetch ? void view.refetch() : setFetch(true))}
        >
          <Eye aria-hidden="true" />{' '}
          {view.isFetching && fetch ? 'Reading…' : fetch ? 'Read the remotes again' : 'Read the remotes now'}
        </button>
      </div>
      {explanation.subscribers.map((one) => (
        <Side
          key={one.subscriber}
          one={one}
          link={links[one.subscriber]}
          explanation={explanation}
          references={references}
        />
      ))}
      {record !== null && lines.map((one) => <Lines key={one.name} lines={one} fields={record.fields} />)}
      <Timeline explanation={explanation} />
    </>
  );
}

/** The first few texts of a record tell people which it is. */
function aboutRecord(fields: Readonly<globalThis.Record<string, string | null>>): string {
  const texts = Object.values(fields).filter((value) => value !== null && /\p{L}{2}/u.test(value));
  return texts.slice(0, 4).join(' · ');
}

const held = new Set(['brake', 'brake-updates', 'truncate']);

const tones: Readonly<Partial<globalThis.Record<SubscriberReport['standing'], Tone>>> = {
  'in-agreement': 'good',
  parked: 'warn',
  paused: 'warn',
  held: 'bad',
  retrying: 'warn',
};

interface SideProps {
  readonly one: SubscriberReport;
  readonly link: string | undefined;
  readonly explanation: Explanation;
  readonly references: RecordView['references'];
}

function Side({ one, link, explanation, references }: SideProps) {
  const { subscriber, standing, because, cure, fetched, former } = one;
  const formerId = one.link === null ? (former.at(-1)?.remoteId ?? undefined) : undefined;
  return (
    <section className="card" aria-label={subscriber}>
      <div className="card-head">
        <h2>
          <Link href={`/s/${subscriber}`}>{subscriber}</Link>
        </h2>
        <Badge tone={tones[standing] ?? 'plain'}>
          {standing === 'unknown' ? 'not paired' : standing.replaceAll('-', ' ')}
        </Badge>
        <span className="mono small muted clip grow">
          {one.link?.remoteId ?? (formerId === undefined ? 'no remote' : `parted from ${formerId}`)}
        </span>
        {link !== undefined && <SideButtons one={one} link={link} />}
        <PairButtons one={one} link={link} recordKey={explanation.key} isHere={explanation.record !== null} />
      </div>
      {because !== null && formerId === undefined && (
        <div className="note small">
          <p>{because}</p>
          {cure !== null && (
            <p>
              <span className="strong">Cure:</span> {cure}
            </p>
          )}
        </div>
      )}
      {formerId !== undefined && (
        <p className="note small">
          It was parted from {formerId}: unlinked, or deleted there. Edits of either side stay where they are made.
        </p>
      )}
      {fetched !== undefined && (
        <p className={`note small ${fetched.kind === 'found' && fetched.differing.length === 0 ? 'fine' : ''}`}>
          {fetched.kind !== 'found'
            ? `The remote: ${fetched.kind}. ${fetched.reason ?? ''}`
            : fetched.differing.length === 0
              ? 'Read just now: the remote shows what it should.'
              : `Read just now: it differs in ${fetched.differing.join(', ')}.`}
        </p>
      )}
      {one.units.length > 0 && <Fields report={one} origins={explanation.origins} references={references} />}
    </section>
  );
}

function SideButtons({ one, link }: { readonly one: SubscriberReport; readonly link: string }) {
  const code = one.link?.parked?.code;
  const isPaused = one.link?.paused === true;
  return (
    <div className="row wrap">
      {code !== undefined && !held.has(code) && (
        <ActButton path="retry" body={{ link }} className="button primary">
          <RotateCcw aria-hidden="true" /> Retry
        </ActButton>
      )}
      {(code === 'unknown-create' || code === 'delete-conflict') && (
        <Confirm
          label="Create anew"
          title={`Create a new remote in ${one.subscriber}?`}
          confirm="Create it"
          danger
          deed={{ path: 'retry', body: { link, as: 'create' } }}
        >
          <p>
            {code === 'unknown-create'
              ? 'Only if you have looked there and the earlier create had no effect: otherwise there will be two.'
              : 'It was deleted there, and edited here. A new one is made; the old id stays a tombstone.'}
          </p>
        </Confirm>
      )}
      {one.link !== null && one.link.state !== 'gone' && (
        <ActButton path="pause-record" body={{ link, paused: !isPaused }}>
          {isPaused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />} {isPaused ? 'Resume' : 'Pause'}
        </ActButton>
      )}
    </div>
  );
}
