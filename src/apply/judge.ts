/** What becomes of a remote that no record stands for, from what is known of it and of whoever it may belong to. Pure. */
import type { RecordKey } from '../catalog/key.js';
import type { ParkCode } from '../outward/plan.js';
import type { Planned } from '../store/links.js';
import type { CreatePolicy } from '../subscriber/policy.js';

/** What a judgement rests on. */
export interface Facts {
  readonly remoteId: string;
  /** The subscriber has to do with such remotes. */
  readonly accepted: boolean;
  /** The record that our marker on it names. */
  readonly marked: RecordKey | undefined;
  /** No marker says so: it is known whose create made it. */
  readonly isMade?: boolean;
  /** That record, or the one that a person chose, is there. */
  readonly isPresent: boolean;
  /** What was decided about it already. */
  readonly planned?: Planned | undefined;
  /** Without a marker: records with the same match values that nothing else is paired with. */
  readonly free: readonly RecordKey[];
  /** The others, and the remotes that have them. */
  readonly taken: readonly { readonly key: RecordKey; readonly remoteId: string }[];
  /** Other remotes without a record that claim the same. */
  readonly rivals: readonly string[];
  /** A create without an outcome, in a system without markers: this may be what it made. */
  readonly create: { readonly key: string | null; readonly parked: boolean } | undefined;
  /** The record whose create it may be: one that was looked for, not seen, and given up. */
  readonly late: RecordKey | undefined;
  /** How the link of a record stands; undefined where it has none. */
  readonly own: (key: RecordKey) => OwnLink | undefined;
}

/** The link that a record has already. */
export interface OwnLink {
  readonly id: string;
  readonly remoteId: string | undefined;
  /** Somebody is at work on it, or a write of ours has no answer yet. */
  readonly busy: boolean;
  readonly parked: ParkCode | undefined;
}

export type Verdict =
  /** They belong together; the record's own link gives way. `concludes`: the remote proves what its create made. */
  | { readonly kind: 'adopt'; readonly key: RecordKey; readonly own: OwnLink | undefined; readonly concludes: boolean }
  | { readonly kind: 'create' }
  | { readonly kind: 'exclude' }
  | { readonly kind: 'park'; readonly code: ParkCode; readonly reason: string }
  /** A create is under way that may be this one. */
  | { readonly kind: 'later' }
  /** It may be what the create of this record made, and that is held. */
  | { readonly kind: 'await'; readonly key: RecordKey };

export interface Rules {
  readonly match: readonly string[];
  readonly createInward: CreatePolicy;
}

export function judge(facts: Facts, rules: Rules): Verdict {
  const { accepted, planned, marked } = facts;
  if (!accepted) return { kind: 'exclude' };
  if (planned?.by === 'person') return decided(facts, planned);
  const verdict = marked === undefined ? judgeMatching(facts, rules) : judgeMarked(facts, marked);
  return planned === undefined ? verdict : asPlanned(planned, verdict);
}

/** A person's word outweighs what matches, but takes no remote away from anybody. */
function decided(facts: Facts, planned: Planned): Verdict {
  if (planned.do === 'leave') return { kind: 'exclude' };
  const { key } = planned;
  if (planned.do === 'create' || key === undefined) return { kind: 'create' };
  if (!facts.isPresent)
    return { kind: 'park', code: 'moved', reason: `it was to be linked to ${key}, which is not here any more` };
  return takeOver(facts, key, { isProven: true });
}

/** A plan that was approved is carried out as it was, or not at all: what would be done otherwise by now is for a person to see. */
function asPlanned(planned: Planned, verdict: Verdict): Verdict {
  // in doubt by now, or not to be decided at this moment: either says enough
  if (verdict.kind === 'park' || verdict.kind === 'later' || verdict.kind === 'await') return verdict;
  const now: Planned['do'] = verdict.kind === 'adopt' ? 'link' : verdict.kind === 'create' ? 'create' : 'leave';
  const isSame = now === planned.do && (verdict.kind !== 'adopt' || verdict.key === planned.key);
  if (isSame) return verdict;
  const told = { link: 'be linked to', create: 'become a record of its own', leave: 'be left alone' };
  const said = `${told[planned.do]}${planned.key === undefined ? '' : ` ${planned.key}`}`;
  const today = `${told[now]}${verdict.kind === 'adopt' ? ` ${verdict.key}` : ''}`;
  return {
    kind: 'park',
    code: 'moved',
    reason: `the applied plan said that it would ${said}; by now it would ${today}`,
  };
}

function judgeMarked(facts: Facts, key: RecordKey): Verdict {
  const adopted = takeOver(facts, key, { isProven: true });
  if (adopted.kind !== 'adopt') return adopted;
  const { remoteId, rivals, isMade = false } = facts;
  if (!facts.isPresent)
    return twin(`it ${isMade ? 'was made for' : 'bears the marker of'} record ${key}, which is not here`);
  if (rivals.length > 0)
    return twin(
      `${[remoteId, ...rivals].sort().join(', ')} ${isMade ? 'were made for' : 'bear the marker of'} record ${key}`,
    );
  return adopted;
}

function judgeMatching(facts: Facts, { match, createInward }: Rules): Verdict {
  const { free, taken, rivals, create, late } = facts;
  if (create?.parked === true)
    return ambiguous(
      `it may be what the create of ${create.key ?? 'a record'} made, which is parked: decide about that first`,
    );
  if (create !== undefined) return { kind: 'later' };
  const [key] = free;
  if (key === undefined && taken.length > 0) return ambiguous(pairedAlready(match, taken));
  if (key !== undefined) {
    if (free.length + rivals.length > 1) return ambiguous(ambiguity(match, free, [facts.remoteId, ...rivals]));
    return takeOver(facts, key, { isProven: false });
  }
  if (late !== undefined)
    return twin(
      `it may be what the create of ${late} made, which came late and was given up: delete it there, or retry in an hour, and it becomes a record`,
    );
  if (createInward === 'ignore') return { kind: 'exclude' };
  if (createInward === 'park')
    return { kind: 'park', code: 'policy', reason: 'a new remote, and createInward is "park"' };
  return { kind: 'create' };
}

/**
 * The record's own link gives way to the one that knows the remote, unless somebody is at work on it. Where it is parked because
 * nobody knew what its create had made, a remote that bears its marker proves it.
 */
function takeOver({ own, remoteId }: Facts, key: RecordKey, { isProven }: { isProven: boolean }): Verdict {
  const link = own(key);
  if (link?.remoteId !== undefined && link.remoteId !== remoteId)
    return twin(`record ${key} is linked to ${link.remoteId} already: this remote is a twin`);
  const concludes = isProven && link?.parked === 'unknown-create';
  if (link?.busy === true && !concludes) return link.parked === undefined ? { kind: 'later' } : { kind: 'await', key };
  return { kind: 'adopt', key, own: link, concludes };
}

function twin(reason: string): Verdict {
  return { kind: 'park', code: 'twin', reason };
}

function ambiguous(reason: string): Verdict {
  return { kind: 'park', code: 'ambiguous', reason };
}

/** A second remote for a record: entered there by hand, or made by a request of ours that came late. It gets no record of its own. */
function pairedAlready(match: readonly string[], taken: Facts['taken']): string {
  const pairs = taken.map(({ key, remoteId }) => `${key} (${remoteId})`).join(', ');
  return `it matches by ${match.join(', ')} what has a remote already: record ${pairs}`;
}

/** "records 1, 2 and remotes r1, r2 match by email": both sides, so that a person can tell them apart. */
export function ambiguity(match: readonly string[], keys: readonly RecordKey[], remoteIds: readonly string[]): string {
  const side = (name: string, all: readonly string[]): string => {
    const ids = [...new Set(all)].sort();
    return `${name}${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`;
  };
  return `${side('record', keys)} and ${side('remote', remoteIds)} match by ${match.join(', ')}`;
}
