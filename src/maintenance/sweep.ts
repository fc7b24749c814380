/** Sweeps by the clock: a subscriber is compared every so often, by one worker at a time, which goes on where the last one stopped. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import type { SyncflowEvents } from '../events.js';
import { finishRun, openRun, saveRun } from '../store/runs.js';
import { forgetSweeps, leaveSweep, sweepDueInMs, takeSweep } from '../store/sweeps.js';
import type { VerifySchedule } from '../subscriber/policy.js';
import { verify, type SweepProgress, type VerifyReport } from './verify.js';

const kind = 'sweep';
/** How long a worker that sweeps is believed to live without a word, in ms: longer than a page of a list takes. */
const turnMs = 120_000;
/** Between two notes of how far it has come, in ms. */
const noteEveryMs = 1_000;

/** Another worker has taken over. */
class TurnLost extends Error {}

/** Sweeps if it is time to. Returns in how many ms to ask again. */
export async function sweepWhenDue(
  env: Environment,
  binding: Binding,
  { everyMs, repair = false }: VerifySchedule,
  signal: AbortSignal,
): Promise<number> {
  const dueInMs = await sweepDueInMs(env.db, binding.id, everyMs);
  if (dueInMs > 0) return dueInMs;
  const proof = await takeSweep(env.db, binding.id, turnMs, undefined);
  if (proof === undefined) return Math.min(everyMs, turnMs);
  return env.tracing.during(
    'sweep',
    { parent: 'none', attributes: { catalog: binding.catalog.definition.name, subscriber: binding.id } },
    () => sweepInTurn(env, binding, { everyMs, repair }, proof, signal),
  );
}

async function sweepInTurn(
  env: Environment,
  binding: Binding,
  { everyMs, repair = false }: VerifySchedule,
  proof: string,
  signal: AbortSignal,
): Promise<number> {
  const turn: { proof: string | undefined } = { proof };
  try {
    const run = await openRun<SweepProgress>(env.db, binding.id, kind, {}, 'owed');
    if (run === undefined) return everyMs;
    let notedAt = Number.NEGATIVE_INFINITY;
    const save = async (progress: SweepProgress): Promise<void> => {
      const now = env.clock.now().getTime();
      if (now - notedAt < noteEveryMs) return;
      turn.proof = await takeSweep(env.db, binding.id, turnMs, turn.proof);
      if (turn.proof === undefined) throw new TurnLost();
      await saveRun(env.db, run.id, progress);
      notedAt = now;
    };
    const report = await verify(env, binding, { repair, signal }, { id: run.id, progress: run.progress, save });
    await saveRun(env.db, run.id, { table: report.table, compared: report.compared });
    await finishRun(env.db, run.id);
    await forgetSweeps(env.db, binding.id, run.id);
    env.emit('verified', verifiedEvent(report));
    return everyMs;
  } catch (error) {
    if (error instanceof TurnLost) return turnMs;
    throw error;
  } finally {
    if (turn.proof !== undefined) await leaveSweep(env.db, binding.id, turn.proof);
  }
}

/** What a comparison has come to, without keys. */
export function verifiedEvent({
  subscriber,
  compared,
  equal,
  repairing,
  held,
  table,
}: VerifyReport): SyncflowEvents['verified'] {
  const causes: Partial<Record<VerifyReport['table'][number]['cause'], number>> = {};
  for (const { cause, count } of table) causes[cause] = (causes[cause] ?? 0) + count;
  const { normalised: _agreed = 0, parked = 0, ...drifted } = causes;
  const drift = Object.values(drifted).reduce((sum, count) => sum + count, 0);
  return { subscriber, compared, equal, drift, parked, repairing, causes, ...(held === undefined ? {} : { held }) };
}
