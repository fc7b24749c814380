/** Whether an answer is one of the closed set of outcomes, with what belongs to it. */

const fields: Readonly<Record<string, readonly string[]>> = {
  done: ['remoteId'],
  exists: ['remoteId'],
  retry: ['reason'],
  rejected: ['reason'],
  missing: ['reason'],
  blocked: ['reason'],
  unknown: ['reason'],
  gone: [],
  stale: [],
};

/** What is wrong with an outcome; undefined where nothing is. */
export function outcomeProblem(outcome: unknown, identify: (remote: unknown) => string): string | undefined {
  const problem = problemOf(outcome, Object.keys(fields));
  if (problem !== undefined) return problem;
  const { kind, remoteId, remote } = outcome as { kind: string; remoteId?: unknown; remote?: unknown };
  if (!['done', 'exists'].includes(kind)) return undefined;
  if (remote === undefined || identify(remote) === remoteId) return undefined;
  return `${kind} with the id "${String(remoteId)}" and a remote whose id is "${identify(remote)}"`;
}

/** What is wrong with what `fetch` answered. */
export function sightProblem(sight: unknown): string | undefined {
  const kind = (sight as { kind?: unknown } | null | undefined)?.kind;
  if (kind === 'found') {
    const { remote } = sight as { remote?: unknown };
    return remote === undefined || remote === null ? 'found without a remote' : undefined;
  }
  return problemOf(sight, ['gone', 'missing', 'retry', 'blocked']);
}

function problemOf(answer: unknown, kinds: readonly string[]): string | undefined {
  const record = answer as Readonly<Record<string, unknown>> | null | undefined;
  const kind = record?.['kind'];
  if (typeof kind !== 'string') return 'nothing that is an outcome: return done(…), rejected(…), missing(…), …';
  if (!kinds.includes(kind)) return `"${kind}", which is none of ${kinds.join(', ')}`;
  for (const field of fields[kind] ?? []) {
    const value = record?.[field];
    if (typeof value !== 'string') return `${kind} whose ${field} is ${typeof value}, not text`;
    if (value === '') return `${kind} with an empty ${field}`;
  }
  return undefined;
}
