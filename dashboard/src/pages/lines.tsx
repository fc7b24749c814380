/** Rows that belong to the record: the lines of an invoice, with whom they name, where they came from, and what they come to. */
import type { LineCell, LinesView, ValueOrigin } from '../../../src/server/dashboard/contract.js';
import { clock, plural, showValue } from '../data/format.js';
import { sumOf } from '../data/sums.js';
import { Named } from '../ui/named.js';
import { showBy } from './fields.js';

interface Props {
  readonly lines: LinesView;
  /** Of the record that they belong to. */
  readonly fields: Readonly<Record<string, string | null>>;
}

export function Lines({ lines, fields }: Props) {
  const { name, columns, rows } = lines;
  const sum = sumOf(lines, fields);
  return (
    <section className="card" aria-label={name}>
      <div className="card-head">
        <h2 className="grow">{name}</h2>
        <span className="small muted">{plural(rows.length, 'row')}</span>
      </div>
      {rows.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={`Rows of ${name}`}>
          <table className="fields sided lines">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
                <th scope="col">Where it came from</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, cells }) => (
                <tr key={key}>
                  {columns.map((column) => (
                    <td key={column} data-label={column}>
                      <Cell cell={cells[column] ?? { value: null }} />
                    </td>
                  ))}
                  <td data-label="Where it came from">
                    <div>
                      {groupsOf(columns, cells).map(({ says, names }) => (
                        <p key={says} className="small muted">
                          <span className="soft">{names.join(', ')}</span>: {says}
                        </p>
                      ))}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {sum !== undefined && (
        <p className="card-foot small">
          <span>
            <span className="strong">{sum.columns.join(' × ')}</span>, over {plural(rows.length, 'row')}, comes to{' '}
            <span className="strong">{sum.value}</span>: that is <span className="strong">{sum.field}</span>.
          </span>
        </p>
      )}
    </section>
  );
}

function Cell({ cell: { value, reference } }: { readonly cell: LineCell }) {
  if (reference !== undefined) return <Named value={value} reference={reference} />;
  return <span className="value">{showValue(value)}</span>;
}

/** Values that came the same way are told of together. */
function groupsOf(
  columns: readonly string[],
  cells: Readonly<Record<string, LineCell>>,
): readonly { readonly says: string; readonly names: readonly string[] }[] {
  const groups = new Map<string, string[]>();
  for (const column of columns) {
    const origin = cells[column]?.origin;
    if (origin === undefined) continue;
    const says = saysOf(origin);
    groups.set(says, [...(groups.get(says) ?? []), column]);
  }
  return [...groups].map(([says, names]) => ({ says, names }));
}

function saysOf({ by, editedAt, at, rule, lost }: ValueOrigin): string {
  const when = editedAt ?? at;
  const over =
    lost === undefined ? '' : `; ${showValue(lost.value)} of ${lost.side === 'hub' ? 'the hub' : lost.subscriber} lost`;
  return `${showBy(by)}${when === null ? '' : `, ${clock(when)}`} · ${rule}${over}`;
}
