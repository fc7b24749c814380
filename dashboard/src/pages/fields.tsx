/** Both sides next to each other, field by field; what they last agreed on stands between. */
import type {
  Explanation,
  RecordView,
  Reference,
  SubscriberReport,
  UnitReport,
  Writer,
} from '../../../src/server/dashboard/contract.js';
import { clock, showValue } from '../data/format.js';
import { Named } from '../ui/named.js';
import { Badge, type Tone } from '../ui/parts.js';

type Origins = Explanation['origins'];

interface FieldsProps {
  readonly report: SubscriberReport;
  readonly origins: Origins;
  readonly references: RecordView['references'];
}

export function Fields({ report, origins, references }: FieldsProps) {
  const system = report.subscriber.split('/')[1] ?? 'remote';
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={`Fields in ${report.subscriber}`}>
      <table className="fields sided">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Hub now</th>
            <th scope="col">Agreed on</th>
            <th scope="col">{report.fetched === undefined ? `${system}, last seen` : `${system} now`}</th>
            <th scope="col">Stands</th>
          </tr>
        </thead>
        <tbody>
          {report.units.map((unit) => (
            <Field
              key={unit.unit}
              unit={unit}
              origin={origins[unit.unit]}
              reference={unit.fields.length === 1 ? references[unit.fields[0] ?? ''] : undefined}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const states: Readonly<Record<UnitReport['state'], readonly [Tone, string]>> = {
  agreed: ['good', 'agreed'],
  owed: ['warn', 'to be sent'],
  'inward-only': ['warn', 'the remote’s will be taken'],
  'not-compared': ['plain', 'not compared yet'],
};

interface FieldProps {
  readonly unit: UnitReport;
  readonly origin: Origins[string] | undefined;
  readonly reference: Reference | undefined;
}

function Field({ unit, origin, reference }: FieldProps) {
  const differs = unit.live?.differs === true || unit.state === 'owed' || unit.state === 'inward-only';
  const [tone, word]: readonly [Tone, string] =
    unit.live?.differs === true ? ['bad', 'differs there'] : states[unit.state];
  const remote = unit.live === undefined ? unit.shadow?.remote : unit.live.remote;
  const arrow = { both: '⇄', inward: '←', outward: '→' }[unit.direction];
  return (
    <tr className={differs ? 'differs' : ''}>
      <th scope="row">
        <span className="strong">{unit.unit}</span>
        <span className="small muted">
          {arrow} {unit.remote} · {decider(unit)}
        </span>
      </th>
      <td data-label="Hub now">
        {reference === undefined ? (
          <span className="value">{showHub(unit, unit.hub)}</span>
        ) : (
          <Named value={unit.hub} reference={reference} />
        )}
        {origin !== undefined && (
          <span className="small muted">
            {showBy(origin.by)}
            {(origin.editedAt ?? origin.at) !== null && `, ${clock(origin.editedAt ?? origin.at ?? '')}`}
            {` · ${origin.rule}`}
            {origin.lost !== undefined && (
              <>
                {' · '}
                <del>{showValue(origin.lost.value)}</del> of{' '}
                {origin.lost.side === 'hub' ? 'the hub' : origin.lost.subscriber} lost
              </>
            )}
          </span>
        )}
      </td>
      <td className="soft" data-label="Agreed on">
        <span className="value">{unit.shadow === null ? '—' : showHub(unit, unit.shadow.hub)}</span>
      </td>
      <td data-label="Remote">
        <span className="value">{showValue(remote)}</span>
      </td>
      <td data-label="Stands">
        <Badge tone={tone}>{word}</Badge>
      </td>
    </tr>
  );
}

function decider({ direction, authority }: UnitReport): string {
  if (direction === 'inward') return 'only the remote sets it';
  if (direction === 'outward') return 'only the hub sets it';
  return authority === 'function' ? 'own rule' : `${authority} decides`;
}

/** A unit of several fields is a list of their texts. */
function showHub({ fields }: UnitReport, text: string | null | undefined): string {
  if (fields.length < 2 || text === null || text === undefined) return showValue(text);
  try {
    return (JSON.parse(text) as unknown[]).map(showValue).join(' · ');
  } catch {
    return text;
  }
}

export function showBy(by: Writer): string {
  if (by.kind === 'subscriber') return by.subscriber;
  return by.role === null ? 'the hub' : `${by.role} in the hub`;
}
