/** Who wins a conflict. Pure. */
import type { Json } from '../catalog/values.js';
import type { Unit } from '../subscriber/compile.js';
import type { Pair } from './shadow.js';
import { checked, get, valueOfText, type Resolver } from './project.js';

/** ISO times of the newest edit on each side, where known. */
export interface EditTimes {
  readonly hubEditedAt?: string | undefined;
  readonly remoteEditedAt?: string | undefined;
}

export type Decision =
  | { readonly winner: 'hub' | 'remote'; readonly rule: string }
  | { readonly winner: 'merged'; readonly value: unknown; readonly rule: string };

interface Disputed {
  readonly unit: Unit;
  readonly base: Pair | undefined;
  readonly h: string | null;
  readonly r: Json | undefined;
}

export function decideConflict(side: Disputed, times: EditTimes, resolver?: Resolver): Decision {
  const { unit } = side;
  if (unit.authority === 'hub' || unit.authority === 'remote')
    return { winner: unit.authority, rule: `authority ${unit.authority}` };
  if (unit.authority === 'latest') return latest(unit, times);
  const verdict = unit.authority({
    unit: unit.name,
    base: valueOfText(unit, side.base?.h),
    hub: valueOfText(unit, side.h),
    remote: remoteAsHub(side, resolver),
    hubEditedAt: times.hubEditedAt,
    remoteEditedAt: times.remoteEditedAt,
  });
  if (typeof verdict === 'string') return { winner: verdict, rule: 'authority function' };
  return { winner: 'merged', value: verdict.value, rule: 'authority function' };
}

function remoteAsHub({ unit, h, r }: Disputed, resolver: Resolver | undefined): unknown {
  if (unit.reference === undefined || resolver === undefined)
    return checked(unit, 'get', () => unit.lens.get(r, valueOfText(unit, h)));
  return Object.values(get(unit, r, undefined, resolver))[0];
}

function latest(unit: Unit, times: EditTimes): Decision {
  const hub = times.hubEditedAt === undefined ? Number.NaN : Date.parse(times.hubEditedAt);
  const remote = times.remoteEditedAt === undefined ? Number.NaN : Date.parse(times.remoteEditedAt);
  if (hub > remote) return { winner: 'hub', rule: 'latest: the hub edit is newer' };
  if (remote > hub) return { winner: 'remote', rule: 'latest: the remote edit is newer' };
  const why = hub === remote ? 'a tie' : 'an unknown time';
  return { winner: unit.tie, rule: `latest: ${why} goes to the ${unit.tie}` };
}
