/** Both sides of a whole catalog compared: what differs and why, what a repair would do about it, and the repair. */
import { useQuery } from '@tanstack/react-query';
import { createColumnHelper } from '@tanstack/react-table';
import { Wrench } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { driftCauses } from '../../../src/maintenance/drift-words.js';
import type { DriftRow, VerifiedView } from '../../../src/server/dashboard/contract.js';
import { read } from '../data/api.js';
import { count, plural, showKey } from '../data/format.js';
import { Confirm } from '../ui/confirm.js';
import { Ago, Badge, Empty } from '../ui/parts.js';
import { features, Rows, type Column } from '../ui/rows.js';

type Action = DriftRow['repair']['action'];

const repairs: Readonly<Record<Action, string>> = {
  'merge-here': 'the remote’s value is written here',
  'merge-there': 'the hub’s value is written there',
  'make-here': 'a record is made here, or paired',
  'make-there': 'a remote is made there, or paired',
  ask: 'its remote is read; without proof that it was deleted, nothing is deleted',
  park: 'it is parked',
  none: 'nothing is done',
};

const helper = createColumnHelper<typeof features, DriftRow>();
const columns = [
  helper.display({
    id: 'record',
    header: 'Record',
    cell: ({ row: { original } }) => {
      const name = original.key === undefined ? (original.remoteId ?? '—') : showKey(original.key);
      return (
        <span>
          {original.link !== null && original.key !== undefined ? (
            <Link href={`/r/${original.link}`} className="strong">
              {name}
            </Link>
          ) : (
            <span className="mono">{name}</span>
          )}
          {original.label !== null && <span className="small muted second clip">{original.label}</span>}
        </span>
      );
    },
  }),
  helper.display({
    id: 'what',
    header: 'What differs',
    cell: ({ row: { original } }) => (
      <span title={driftCauses[original.cause]}>
        <span className="strong">{original.unit ?? 'the whole record'}</span>
        <span className="small muted second clip">{driftCauses[original.cause]}</span>
      </span>
    ),
  }),
  helper.display({
    id: 'repair',
    header: 'A repair would',
    cell: ({ row: { original } }) => (
      <span title={original.repair.rule}>
        {repairs[original.repair.action]}
        <span className="small muted second clip">{original.repair.rule}</span>
      </span>
    ),
  }),
] as Column<DriftRow>[];

export function Verified({ subscriber }: { readonly subscriber: string }) {
  const [isOpen, setOpen] = useState(false);
  const verified = useQuery({
    queryKey: ['verified', subscriber],
    queryFn: ({ signal }) => read<VerifiedView>('verified', { subscriber }, signal),
    refetchInterval: ({ state }) => (state.data?.underWay === null ? 5_000 : 700),
  });
  if (verified.data === undefined) return null;
  const { report, underWay, outcome } = verified.data;
  const failed = outcome !== null && outcome.code !== null && outcome.at > (report?.at ?? '') ? outcome : null;
  if (report === null && failed === null) return null;
  return (
    <section className="card" aria-labelledby="verified">
      <div className="card-head">
        <h2 id="verified" className="grow">
          {report?.repaired === true ? 'Repair' : 'Comparison'}{' '}
          {report !== null && (
            <span className="small muted">
              <Ago at={report.at} />
            </span>
          )}
        </h2>
        {report !== null && <Verdict report={report} />}
        {report !== null && report.table.length > 0 && (
          <button type="button" className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Hide the list' : 'Show the list'}
          </button>
        )}
        {report !== null && <Repair subscriber={subscriber} report={report} busy={underWay !== null} />}
      </div>
      {failed !== null && (
        <p className="note small" role="status">
          {failed.text}
        </p>
      )}
      {report?.held !== undefined && <p className="note small">Left alone: {report.held}</p>}
      {report?.repaired === true && (
        <p className="note fine small">
          {plural(report.repairing, 'record was', 'records were')} queued to be merged. Compare again to see what is
          left.
        </p>
      )}
      {report !== null && report.table.length > 0 && (
        <ul className="drift">
          {report.table.map(({ field, cause, count: many }) => (
            <li key={`${field} ${cause}`}>
              <span className="strong">{field === '(record)' ? 'whole records' : field}</span>
              <span className="soft grow">{driftCauses[cause]}</span>
              <span>{count(many)}</span>
            </li>
          ))}
        </ul>
      )}
      {isOpen && report !== null && (
        <Rows<DriftRow>
          key={report.at}
          name={`Differences of ${subscriber}`}
          path="differences"
          body={{ subscriber }}
          columns={columns}
          empty={<Empty title="Nothing differs but what was agreed on" />}
        />
      )}
    </section>
  );
}

type Report = NonNullable<VerifiedView['report']>;

function Verdict({ report }: { readonly report: Report }) {
  const differing = report.compared - report.equal;
  const alone = report.table.reduce((sum, one) => sum + (one.field === '(record)' ? one.count : 0), 0);
  if (differing === 0 && alone === 0) return <Badge tone="good">{plural(report.compared, 'pair')}, all equal</Badge>;
  const told = [
    ...(differing > 0 ? [`${count(differing)} of ${count(report.compared)} pairs differ`] : []),
    ...(alone > 0 ? [`${count(alone)} on one side only`] : []),
  ];
  return <Badge tone="warn">{told.join(', ')}</Badge>;
}

/** Offered only after a comparison: that was its dry run. */
function Repair({
  subscriber,
  report,
  busy,
}: {
  readonly subscriber: string;
  readonly report: Report;
  readonly busy: boolean;
}) {
  const steps = report.steps.filter(({ action }) => action !== 'none');
  if (steps.length === 0 || report.repaired) return null;
  return (
    <Confirm
      label={
        <>
          <Wrench aria-hidden="true" /> Repair…
        </>
      }
      title={`Repair ${subscriber}?`}
      confirm="Compare again and repair"
      disabled={busy}
      deed={{ path: 'verify', body: { subscriber, repair: true } }}
    >
      <p>By the comparison, a repair does this:</p>
      <ul className="sentences">
        {steps.map(({ action, count: many }) => (
          <li key={action}>
            <strong>{count(many)} ×</strong> {repairs[action]}
          </li>
        ))}
      </ul>
      <p>
        Both sides are compared once more, and what differs then is merged as any change is, by the authority that each
        field declares. The list shows whose value stays, and why. The mass-change guard counts along.
      </p>
    </Confirm>
  );
}
