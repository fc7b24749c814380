/** What to do about a record that is set aside: one answer for each code. */
import { own } from '../catalog/own.js';
import type { ParkCode } from '../outward/plan.js';

const cures: Readonly<Record<string, string>> = {
  validation:
    'Correct the record so that it satisfies the catalog’s schema, or loosen the schema; an edit is tried by itself.',
  mapping: 'Correct the value, or the lens that refused it (`via` in the mapping); then retry.',
  rejected: 'The remote won’t take it as it is: correct the record, or the mapping; an edit is tried by itself.',
  policy: 'A policy asks for a decision: make the change on the other side by hand, or change the policy and retry.',
  'row-missing':
    'The row is gone, but no DELETE was seen. Was it deleted with triggers off? Delete the remote by hand. Is it hidden (row-level security)? Let Syncflow’s role see it, then retry.',
  'remote-missing':
    'The remote answers “not found”, which is no proof of deletion. Check the permissions of the key; when it shows again, retry. Was it deleted? Delete the record here.',
  'delete-conflict':
    'Deleted there, edited here. Delete it here too, or make a new remote: syncflow parked retry <id> --create',
  ambiguous:
    'Several could belong together. Make the match units differ, or merge the twins in one of the systems; then retry. Or say which: `syncflow link CATALOG KEY SUBSCRIBER REMOTE_ID`.',
  'unknown-create':
    'A create may have taken effect. Look there: is it there, delete it or let it be found by a marker and retry; is it not, syncflow parked retry <id> --create',
  reference: 'It refers to a record that isn’t there, or is parked itself: heal that one; this one follows.',
  constraint:
    'The hub’s constraint refused the remote’s value: correct the value there, or the constraint; then retry.',
  truncate:
    'The table was truncated. Were the deletes meant? syncflow release <subscriber>. Else restore the rows, or: syncflow discard <subscriber>',
  brake:
    'Too many deletes at once: syncflow held shows them. Were they meant? syncflow release <subscriber>. Else: syncflow discard <subscriber>',
  'brake-updates':
    'Too many updates at once: syncflow held shows them. Were they meant? syncflow release <subscriber>. Else: syncflow discard <subscriber>',
  loop: 'Two systems undo each other’s form of a value: bring both to one form in the unit’s lens, or make it one-way; then retry.',
  moved:
    'The world has changed since the plan was approved. Look at both sides: retry lets the ordinary rules decide; or say it with `syncflow link`.',
  twin: 'Two remotes claim one record: merge or delete one of them there; then retry.',
  failed: 'It failed too often. The reason is the last answer: mend that, then retry.',
} satisfies Record<ParkCode, string>;

/** Every code with which something is parked. */
export const parkCodes: readonly string[] = Object.keys(cures);

/** Where there is no record yet, it is the remote that is corrected. */
const remoteCures: Readonly<Record<string, string>> = {
  validation:
    'There is no record yet: correct the remote in its system, or loosen the catalog’s schema; then retry (a change there is tried by itself).',
  mapping:
    'There is no record yet: correct the remote’s value in its system, or the lens that refused it (`via` in the mapping); then retry.',
};

/** @param isRemoteOnly a remote that has no record */
export function cureOf(code: string, isRemoteOnly = false): string {
  const remote = isRemoteOnly ? own(remoteCures, code) : undefined;
  if (remote !== undefined) return remote;
  return own(cures, code) ?? 'Mend what the reason says, then retry.';
}
