/** What switching a subscriber on would do, before anything is written: counts, differences, what is ambiguous; and its application. */
import { useQuery } from '@tanstack/react-query';
import { ClipboardList, Play, RefreshCw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from 'wouter';
import type { ItemKind, PlanReport, PlanView } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { count, plural } from '../data/format.js';
import { useNow } from '../data/time.js';
import { ActButton, Confirm } from '../ui/confirm.js';
import { Ago, Badge, Empty, Failed, Loading } from '../ui/parts.js';
import { PlanItems } from './plan-items.js';
import { Moving, useMoving } from './runs.js';

const kinds: readonly (readonly [ItemKind, string, string])[] = [
  ['linked', 'Linked already', 'nothing is to be decided'],
  ['marker', 'Linked by marker', 'the remote bears our marker of the record'],
  ['match', 'Linked by match', 'one here and one there have the same values'],
  ['ambiguous', 'Ambiguous', 'several could belong together: parked until somebody decides'],
  ['here', 'Only here', 'a remote is made for each'],
  ['there', 'Only there', 'a record is made for each'],
  ['left', 'Left alone', 'by a policy'],
];

export function Plan() {
  const { catalog, as } = useParams<{ catalog: string; as: string }>();
  const subscriber = `${catalog}/${as}`;
  const view = useQuery({
    queryKey: ['plan', subscriber],
    queryFn: ({ signal }) => read<PlanView>('plan', { subscriber }, signal),
    refetchInterval: ({ state }) => (state.data?.underWay === null ? 5_000 : 700),
  });
  if (view.isPending) return <Loading lines={8} />;
  if (view.isError) return <Failed error={view.error} onRetry={() => void view.refetch()} />;
  const { report, underWay, outcome } = view.data;
  return (
    <>
      <div className="page-head">
        <div>
          <p className="small muted">
            <Link href={`/s/${subscriber}`}>{subscriber}</Link>
          </p>
          <h1 className="row wrap">Plan of a load {report !== null && <State report={report} />}</h1>
          <p>
            {report === null ? (
              'What a load would do, before anything is written on either side.'
            ) : (
              <>
                Both sides were read <Ago at={report.createdAt} />; nothing was written then.
              </>
            )}
          </p>
        </div>
        <Buttons subscriber={subscriber} report={report} busy={underWay !== null} moved={outcome?.code === 'moved'} />
      </div>
      <Running subscriber={subscriber} />
      {outcome !== null && underWay === null && outcome.code !== null && (
        <p className="note" role="alert">
          {outcome.code === 'moved' && <strong>Nothing was written. </strong>}
          {outcome.text}
        </p>
      )}
      {report === null ? (
        <section className="card">
          <Empty icon={ClipboardList} title={underWay === 'plan' ? 'Reading both sides' : 'There is no plan'}>
            A plan tells who would be linked to whom, who would be made anew, what is ambiguous, and whose value would
            stay where both differ.
          </Empty>
        </section>
      ) : (
        <Report key={report.id} report={report} />
      )}
    </>
  );
}

const states: Readonly<Record<PlanReport['state'], readonly ['good' | 'warn' | 'plain', string]>> = {
  drafting: ['plain', 'being drafted'],
  ready: ['warn', 'ready: nothing done yet'],
  checking: ['plain', 'being checked'],
  applying: ['plain', 'being applied'],
  applied: ['good', 'applied'],
};

function State({ report }: { readonly report: PlanReport }) {
  const [tone, word] = states[report.state];
  return <Badge tone={tone}>{word}</Badge>;
}

function Running({ subscriber }: { readonly subscriber: string }) {
  const now = useNow();
  const moving = useMoving(subscriber).filter(({ kind }) => kind === 'plan' || kind === 'apply');
  if (moving.length === 0) return null;
  return (
    <section className="card" aria-label="Runs">
      <ul className="runs">
        {moving.map((run) => (
          <Moving key={run.kind} run={run} now={now} about={run.total} />
        ))}
      </ul>
    </section>
  );
}

interface ButtonsProps {
  readonly subscriber: string;
  readonly report: PlanReport | null;
  readonly busy: boolean;
  /** The last application was refused, because both sides say something else by now. */
  readonly moved: boolean;
}

function Buttons({ subscriber, report, busy, moved }: ButtonsProps) {
  const isOpen = report?.state === 'ready' || report?.state === 'applying';
  return (
    <div className="row wrap">
      <ActButton
        path="plan"
        body={{ subscriber }}
        className={report === null ? 'button primary' : 'button'}
        disabled={busy}
      >
        <RefreshCw aria-hidden="true" /> {report === null ? 'Make a plan' : 'Plan anew'}
      </ActButton>
      {report !== null && (
        <ActButton path="discard-plan" body={{ subscriber }} disabled={busy}>
          <Trash2 aria-hidden="true" /> Throw away
        </ActButton>
      )}
      {isOpen && (
        <Confirm
          label={
            <>
              <Play aria-hidden="true" /> Apply…
            </>
          }
          className="button primary"
          title={`Apply the plan of ${subscriber}?`}
          confirm={moved ? 'Apply what both sides are now' : 'Apply it'}
          danger={moved}
          disabled={busy}
          deed={{ path: 'apply', body: { subscriber, ...(moved ? { acceptMoved: true } : {}) } }}
        >
          <ul className="sentences">
            {promises(report).map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
          <p>
            {moved
              ? 'Both sides have moved since the plan. It is carried out as they are now, not as the list shows them; to look first, plan anew.'
              : 'Both sides are read once more. If they say something else than this plan by then, nothing is written.'}
          </p>
        </Confirm>
      )}
    </div>
  );
}

/** What its application does, in sentences. */
function promises({ kinds: counts, differences }: PlanReport): string[] {
  const of = (kind: ItemKind) => counts.find((one) => one.kind === kind);
  const linked = (of('marker')?.count ?? 0) + (of('match')?.count ?? 0);
  const made = (one: PlanReport['kinds'][number] | undefined): number =>
    one === undefined ? 0 : one.count - one.parked - one.waiting - one.outside;
  const [ambiguous, here, there] = [of('ambiguous'), made(of('here')), made(of('there'))];
  const sum = (name: 'parked' | 'waiting'): number => counts.reduce((all, one) => all + one[name], 0);
  const open = (ambiguous?.count ?? 0) - (ambiguous?.decided ?? 0);
  const byWinner = (winner: 'hub' | 'remote'): number =>
    differences.reduce((sum, one) => sum + (one.winner === winner ? one.count : 0), 0);
  return [
    ...(linked > 0 ? [`${plural(linked, 'pair')} linked.`] : []),
    ...(byWinner('hub') > 0 ? [`${plural(byWinner('hub'), 'value')} overwritten there by the hub’s.`] : []),
    ...(byWinner('remote') > 0 ? [`${plural(byWinner('remote'), 'value')} overwritten here by the remote’s.`] : []),
    ...(here > 0 ? [`${plural(here, 'remote')} made there.`] : []),
    ...(there > 0 ? [`${plural(there, 'record')} made here.`] : []),
    ...(sum('waiting') > 0 ? [`${count(sum('waiting'))} wait for what they refer to.`] : []),
    ...(sum('parked') > 0 ? [`${count(sum('parked'))} parked: they can’t be made as they are.`] : []),
    ...((ambiguous?.decided ?? 0) > 0 ? [`${count(ambiguous?.decided ?? 0)} as you decided.`] : []),
    ...(open > 0 ? [`${count(open)} ambiguous ones, not decided, are parked.`] : []),
  ];
}

function Report({ report }: { readonly report: PlanReport }) {
  const first = report.kinds.find(({ kind }) => kind === 'ambiguous')?.kind ?? report.kinds[0]?.kind;
  const [kind, setKind] = useState<ItemKind | undefined>(first);
  if (report.kinds.length === 0)
    return (
      <section className="card">
        <Empty title="There is nothing on either side" />
      </section>
    );
  return (
    <>
      <section className="tiles" aria-label="What would happen">
        {kinds.map(([name, title, means]) => {
          const one = report.kinds.find((other) => other.kind === name);
          if (one === undefined) return null;
          const isUrgent = name === 'ambiguous' && one.decided < one.count && report.state === 'ready';
          return (
            <button
              key={name}
              type="button"
              className={`tile${isUrgent ? ' urgent' : ''}`}
              aria-pressed={kind === name}
              onClick={() => setKind(name)}
            >
              <span className="number">{count(one.count)}</span>
              <span className="strong">{title}</span>
              <span className="small soft">{means}</span>
              {one.differing > 0 && <Badge>{count(one.differing)} differ in a field</Badge>}
              {one.parked > 0 && <Badge tone="bad">{count(one.parked)} would be parked</Badge>}
              {one.waiting > 0 && <Badge>{count(one.waiting)} wait for what they refer to</Badge>}
              {one.outside > 0 && <Badge>{count(one.outside)} outside of where</Badge>}
              {one.decided > 0 && <Badge tone="good">{count(one.decided)} decided</Badge>}
            </button>
          );
        })}
      </section>
      {report.differences.length > 0 && <Differences report={report} />}
      <PlanItems
        subscriber={report.subscriber}
        kind={kind}
        title={kinds.find(([name]) => name === kind)?.[1] ?? ''}
        mayDecide={report.state === 'ready'}
      />
    </>
  );
}

function Differences({ report }: { readonly report: PlanReport }) {
  const system = report.subscriber.split('/')[1] ?? 'remote';
  return (
    <section className="card" aria-labelledby="differing">
      <div className="card-head">
        <h2 id="differing">Fields that differ, and whose value stays</h2>
      </div>
      <ul className="drift">
        {report.differences.map(({ unit, winner, rule, count: many }) => (
          <li key={`${unit} ${winner} ${rule}`}>
            <span className="strong">{unit}</span>
            <Badge tone={winner === 'remote' ? 'inward' : 'good'}>
              {winner === 'hub' ? 'the hub’s stays' : winner === 'remote' ? `${system}’s stays` : 'merged'}
            </Badge>
            <span className="soft grow small">{rule}</span>
            <span>{plural(many, 'pair')}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
