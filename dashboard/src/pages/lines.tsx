/** Rows that belong to the record: the lines of an invoice. */
import { plural, showValue } from '../data/format.js';

interface Props {
  readonly name: string;
  readonly rows: readonly Readonly<Record<string, string | null>>[];
}

export function Lines({ name, rows }: Props) {
  const columns = Object.keys(rows[0] ?? {});
  return (
    <section className="card" aria-label={name}>
      <div className="card-head">
        <h2 className="grow">{name}</h2>
        <span className="small muted">{plural(rows.length, 'row')}</span>
      </div>
      {rows.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label={`Rows of ${name}`}>
          <table className="fields">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={row['id'] ?? index}>
                  {columns.map((column) => (
                    <td key={column} className="value">
                      {showValue(row[column])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
