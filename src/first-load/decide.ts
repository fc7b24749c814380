/** Decisions about what a plan calls ambiguous: each is held against the plan and the hub before any is noted. */
import { givenKey } from '../catalog/given-key.js';
import { showKey, type RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import { messageOf, SyncflowError } from '../errors.js';
import type { Queryable } from '../store/database.js';
import { itemToDecide, saveDecision, standingOfRecord, type ItemToDecide } from '../store/plans.js';
import type { PlanDecision } from './first-load.js';
import type { ItemKind } from './item.js';

/** A decision, and its place in the list that was given, from 1; undefined where it is the only one. */
export interface Numbered {
  readonly decision: PlanDecision;
  readonly place: number | undefined;
}

/** Candidates that an error names. */
const shownCandidates = 10;

/** @throws SyncflowError `usage` naming the decision; the caller's transaction is to be rolled back then */
export async function saveDecisions(
  tx: Queryable,
  binding: Binding,
  plan: string,
  decisions: readonly Numbered[],
): Promise<void> {
  const places = new Map<string, number | undefined>();
  const keys: { readonly one: Numbered; readonly item: ItemToDecide; readonly key: RecordKey }[] = [];
  for (const one of decisions) {
    const { item, key } = await checked(tx, binding, plan, one);
    if (places.has(item.id))
      throw refused(
        binding,
        one,
        `decision ${places.get(item.id) ?? ''} is about ${nameOf(item)} already`,
        'Leave one of them out.',
      );
    places.set(item.id, one.place);
    const what = one.decision.do;
    await saveDecision(tx, item.id, what === 'link' ? { do: 'link', key } : { do: what });
    if (what === 'link' || item.remoteId === null) keys.push({ one, item, key });
  }
  // all are noted by now: of those that were decided before, some may have been decided anew
  for (const { one, item, key } of keys) await refuseTaken(tx, binding, plan, one, item, key, places);
}

async function checked(
  tx: Queryable,
  binding: Binding,
  plan: string,
  one: Numbered,
): Promise<{ readonly item: ItemToDecide; readonly key: RecordKey }> {
  const { remoteId, do: what } = one.decision;
  const key = canonical(binding, one);
  const item = await itemToDecide(tx, plan, { remoteId, key });
  const name =
    remoteId !== undefined ? `remote ${remoteId}` : `record ${key === undefined ? '(without a key)' : showKey(key)}`;
  if (item?.kind !== 'ambiguous')
    throw refused(
      binding,
      one,
      `the plan has no ambiguous ${name}${item === undefined ? '' : `: ${standings[item.kind]}`}`,
      `Which are: syncflow plan ${binding.id} --json. What isn't ambiguous can be linked once the plan is applied: syncflow link.`,
    );
  if (what === 'link' && (remoteId === undefined || key === undefined))
    throw refused(
      binding,
      one,
      `to link ${name}, both a remoteId and a key are needed`,
      'Write {"remoteId": "…", "do": "link", "key": 42}.',
    );
  if (what === 'link' && key !== undefined) await refuseStranger(tx, binding, one, item, key);
  return { item, key: key ?? item.key ?? '' };
}

const standings: Readonly<Record<ItemKind, string>> = {
  linked: 'it is linked already',
  marker: 'our marker says whose it is',
  match: 'it matches one and one only',
  here: 'it is only here, and a remote is made of it',
  there: 'it is only there, and a record is made of it',
  left: 'it is left alone',
  ambiguous: '',
};

function canonical(binding: Binding, one: Numbered): RecordKey | undefined {
  const { key } = one.decision;
  if (key === undefined) return undefined;
  try {
    return givenKey(binding.catalog.definition, key);
  } catch (error) {
    const hint = error instanceof SyncflowError ? error.hint : undefined;
    throw refused(binding, one, messageOf(error), hint ?? 'Give the key of a record.');
  }
}

async function refuseStranger(
  tx: Queryable,
  binding: Binding,
  one: Numbered,
  { remoteId, records }: ItemToDecide,
  key: RecordKey,
): Promise<void> {
  const { definition, rows } = binding.catalog;
  const candidates = records.map(showKey);
  const named = [...candidates.slice(0, shownCandidates), ...(candidates.length > shownCandidates ? ['…'] : [])];
  const hint =
    records.length === 0
      ? 'Give the key of a record that is there.'
      : `It may be ${named.join(' or ')}: give that, or "do": "new" or "leave".`;
  if (!(await rows.load(tx, [key])).has(key))
    throw refused(binding, one, `there is no record ${showKey(key)} in ${definition.name}`, hint);
  if (records.length > 0 && !records.includes(key))
    throw refused(
      binding,
      one,
      `record ${showKey(key)} is none of those that may be remote ${remoteId ?? ''}`,
      `${hint} Is it that one all the same? Link them once the plan is applied: syncflow link.`,
    );
}

/** A record has one remote: who else has it, by the plan or by a decision? */
async function refuseTaken(
  tx: Queryable,
  binding: Binding,
  plan: string,
  one: Numbered,
  item: ItemToDecide,
  key: RecordKey,
  places: ReadonlyMap<string, number | undefined>,
): Promise<void> {
  for (const other of await standingOfRecord(tx, plan, key)) {
    if (other.id === item.id) continue;
    const place = places.get(other.id);
    const by = place === undefined ? 'the plan' : `decision ${place}`;
    const record = `record ${showKey(key)}`;
    const isLinking = one.decision.do === 'link';
    if (other.remoteId !== null && (isLinking || other.do === 'link'))
      throw refused(
        binding,
        one,
        other.do === 'link'
          ? `${record} is to be linked to remote ${other.remoteId} by ${by}`
          : `${record} belongs to remote ${other.remoteId} by the plan`,
        'A record has one remote: decide who is whose, and what becomes of the other ("new" or "leave").',
      );
    if (isLinking && other.remoteId === null && other.do !== null)
      throw refused(
        binding,
        one,
        `${record} is to be ${other.do === 'new' ? 'given a new remote' : 'left alone'} by ${by}`,
        'Leave one of them out.',
      );
  }
}

const nameOf = ({ remoteId, key }: ItemToDecide): string =>
  remoteId === null ? `record ${key === null ? '' : showKey(key)}` : `remote ${remoteId}`;

function refused({ id }: Binding, { decision, place }: Numbered, problem: string, hint: string): SyncflowError {
  const { remoteId, do: what, key } = decision;
  const text = JSON.stringify({ remoteId, do: what, key: key === undefined ? undefined : showKey(key) });
  const which = place === undefined ? '' : `decision ${place}, ${text}: `;
  return new SyncflowError('usage', `${id}: ${which}${problem}`, {
    hint: place === undefined ? hint : `No decision was taken over. ${hint}`,
    context: { subscriber: id, decision: place },
  });
}
