/** A value that names a record of another catalog: what people know that by, its page, and the value itself. */
import { Link } from 'wouter';
import type { Reference } from '../../../src/server/dashboard/contract.js';
import { showValue } from '../data/format.js';

export function Named({ value, reference }: { readonly value: string | null; readonly reference: Reference }) {
  const { catalog, label, link } = reference;
  const name = label ?? `${catalog} ${showValue(value)}`;
  return (
    <span className="value" title={name}>
      {link === null ? name : <Link href={`/r/${link}`}>{name}</Link>}
      {label !== null && <span className="small muted nowrap"> {showValue(value)}</span>}
    </span>
  );
}
