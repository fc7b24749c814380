/** Reading from a system: a failure says what couldn't be read, and when it is worth another try. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { blockedMs } from '../engine/result.js';
import { SyncflowError } from '../errors.js';

/** What is read of a system as a whole, and the step of the road that this is. */
const steps = {
  'its changes': 'poll',
  'where its changes stand': 'poll',
  'its list': 'list',
  'what matches': 'fetch',
} as const;

export class ReadFailure extends SyncflowError {
  /** Not before so many ms. */
  readonly afterMs: number | undefined;

  constructor(binding: Binding, what: string, error: unknown) {
    const failure = binding.subscriber.readFailure(error);
    super('subscriber', `${binding.id}: ${what} can't be read: ${failure.reason}`, {
      hint:
        failure.kind === 'blocked'
          ? 'Check the credentials and the quota of its account.'
          : 'A running engine tries again by itself; a command is to be run again.',
      context: { subscriber: binding.id },
      cause: error,
    });
    this.afterMs = failure.afterMs ?? (failure.kind === 'blocked' ? blockedMs : undefined);
  }
}

/** @throws ReadFailure; `cursor-expired` is passed on as it is */
export async function reading<T>(
  env: Environment,
  binding: Binding,
  what: keyof typeof steps,
  read: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await env.tracing.during(
      steps[what],
      { kind: 'client', attributes: { catalog: binding.catalog.definition.name, subscriber: binding.id } },
      read,
    );
    env.contacts.heard(binding.id, env.clock.now());
    return answer;
  } catch (error) {
    if (error instanceof SyncflowError && error.code === 'cursor-expired') throw error;
    throw new ReadFailure(binding, what, error);
  }
}
