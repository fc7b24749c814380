/** Deletes go in the order of references: what refers to a remote goes, or is told otherwise, before that is deleted. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import type { Result } from '../engine/result.js';
import { parseKey } from '../catalog/key.js';
import { stillReferred } from '../store/referred.js';
import type { Planned } from './push.js';

/** How long a deletion lets those go first that refer to its remote, in ms. */
const afterYouMs = 300;

/**
 * Holds back deletions of remotes that a link which is due still refers to, as its remote last showed: a customer goes after its
 * orders, as most systems demand, and the order that was given to somebody else is told so first. Whoever is parked is not
 * waited for.
 */
export async function deletesInOrder(
  env: Environment,
  binding: Binding,
  planned: readonly Planned[],
): Promise<{ go: Planned[]; waiting: Result[] }> {
  const deletes = planned.flatMap(({ link, plan }) =>
    plan.kind === 'delete' && link.key !== undefined ? [{ id: link.id, text: parseKey(link.key)[0] ?? null }] : [],
  );
  const referring = deletes.flatMap(({ id, text }) => binding.referredBy.map((by) => ({ id, ...by, text })));
  const referred = await stillReferred(env.db, referring);
  const go = planned.filter(({ link }) => !referred.has(link.id));
  const waiting = planned.filter(({ link }) => referred.has(link.id));
  return { go, waiting: waiting.map(({ link }) => ({ settlement: { link, dueInMs: afterYouMs } })) };
}
