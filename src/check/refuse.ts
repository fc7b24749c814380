/** What stops a start: mappings of which every write would be refused. */
import type { Binding } from '../engine/binding.js';
import { SyncflowError } from '../errors.js';
import { checkSchema } from './schema.js';

/** @throws SyncflowError `config` naming each, and its cure */
export function refuseImpossible(bindings: readonly Binding[]): void {
  const fatal = bindings.flatMap(checkSchema).filter((one) => one.fatal);
  if (fatal.length === 0) return;
  const lines = fatal.map(
    ({ subscriber, unit, remote, problem }) => `- ${subscriber}: ${unit ?? ''} ↔ ${remote ?? ''}: ${problem}`,
  );
  throw new SyncflowError('config', `mappings that can't work:\n${lines.join('\n')}`, {
    hint: [...new Set(fatal.map(({ cure }) => cure))].join(' '),
  });
}
