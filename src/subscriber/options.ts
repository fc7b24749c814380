/** Checks what users write beside the types' back: names and values of options, each with "did you mean". Pure. */
import { didYouMean, SyncflowError } from '../errors.js';
import type { ChildrenSpec, UnitSpec } from './mapping.js';
import type { Brake, Policies, VerifySchedule } from './policy.js';
import type { RegisterOptions } from './registration.js';

/** What an option may be: one of some words, or whatever passes, in words. */
type Allowed = readonly string[] | { readonly is: (value: unknown) => boolean; readonly what: string };
/** A record, so that an option that is added to the types can't be forgotten here. */
type Options<Spec> = Readonly<Record<keyof Spec, Allowed>>;

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const text: Allowed = { is: isText, what: 'a text' };
const sides = ['hub', 'remote'];
const directions = ['both', 'outward', 'inward'];
const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function');

const unitOptions: Options<UnitSpec> = {
  remote: text,
  hub: {
    is: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
    what: "a list of hub fields: ['first_name', 'last_name']",
  },
  via: { is: (value) => hasMethods(value, 'put', 'get'), what: 'a lens: { put, get }' },
  direction: directions,
  authority: ['hub', 'remote', 'latest'],
  tie: sides,
  group: text,
};

const childrenOptions: Options<ChildrenSpec> = {
  remote: text,
  id: text,
  marker: text,
  authority: sides,
  direction: directions,
  units: { is: (value) => typeof value === 'object' && value !== null, what: 'an object of units' },
};

const creates = ['propagate', 'park', 'ignore'];
const deletes = ['propagate', 'unlink', 'park', 'ignore'];
const policies: Options<Policies> = {
  createOutward: creates,
  createInward: creates,
  deleteOutward: deletes,
  deleteInward: deletes,
  leave: ['keep', 'delete'],
};

const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isShare = (value: unknown): boolean => isCount(value) && (value as number) <= 1;
const aNumber: Allowed = { is: isCount, what: 'a number that isn’t negative' };
const aShare: Allowed = { is: isShare, what: 'a share, from 0 to 1' };
const anObject = (what: string): Allowed => ({ is: (value) => typeof value === 'object' && value !== null, what });

const brake: Options<Brake> = {
  count: aNumber,
  share: aShare,
  windowSeconds: aNumber,
  updates: anObject('an object: { count, share }'),
};
const brakeOfUpdates: Options<NonNullable<Brake['updates']>> = { count: aNumber, share: aShare };

const verify: Options<VerifySchedule> = {
  everyMs: { is: (value) => isCount(value) && (value as number) > 0, what: 'a number of milliseconds' },
  repair: { is: (value) => typeof value === 'boolean', what: 'true or false' },
};

const registration: Options<RegisterOptions> = {
  as: text,
  account: text,
  policies: anObject('an object of policies'),
  brake: anObject('an object: { count, share, windowSeconds, updates }'),
  verify: {
    is: (value) => value === false || (typeof value === 'object' && value !== null),
    what: 'false, or { everyMs, repair }',
  },
};

/** @throws SyncflowError `config` naming the place, the option and what it may be */
export function checkUnit(place: string, spec: UnitSpec): void {
  requireOptions(place, spec, ['remote']);
  // a function decides by itself
  const { authority, ...rest } = spec;
  check(place, typeof authority === 'function' ? rest : spec, unitOptions);
}

/** @throws SyncflowError `config` */
export function checkChildren(place: string, spec: ChildrenSpec): void {
  requireOptions(place, spec, ['remote', 'id', 'units']);
  check(place, spec, childrenOptions);
}

/** What a subscriber class, or its registration, says beside the mapping. @throws SyncflowError `config` */
export function checkRegistration(id: string, options: RegisterOptions): void {
  check(id, options, registration);
  checkPolicies(id, options);
  if (options.verify !== undefined && options.verify !== false) check(`${id}: verify`, options.verify, verify);
}

/** @throws SyncflowError `config` */
export function checkPolicies(id: string, given: Pick<RegisterOptions, 'policies' | 'brake'>): void {
  if (given.policies !== undefined) check(`${id}: policies`, given.policies, policies);
  if (given.brake === undefined) return;
  check(`${id}: brake`, given.brake, brake);
  if (given.brake.updates !== undefined) check(`${id}: brake.updates`, given.brake.updates, brakeOfUpdates);
}

function requireOptions(place: string, spec: unknown, names: readonly string[]): void {
  if (typeof spec !== 'object' || spec === null)
    throw new SyncflowError('config', `${place} can't be ${shown(spec)}`, {
      hint: "Give the remote key as a text, or an object: { remote: 'email', authority: 'latest' }.",
    });
  const missing = names.find((name) => Reflect.get(spec, name) === undefined);
  if (missing === undefined) return;
  throw new SyncflowError('config', `${place}: the option "${missing}" is missing`, {
    hint: `It must have: ${names.join(', ')}.`,
  });
}

function check<Spec extends object>(place: string, spec: Spec, options: Options<Spec>): void {
  const known = Object.keys(options);
  for (const [name, value] of Object.entries(spec)) {
    if (!Object.hasOwn(options, name)) {
      const guess = didYouMean(name, known);
      throw new SyncflowError('config', `${place}: unknown option "${name}"`, {
        hint: guess === undefined ? `There are: ${known.join(', ')}.` : `Did you mean "${guess}"?`,
      });
    }
    if (value !== undefined) checkValue(`${place}: ${name}`, value, options[name as keyof Spec]);
  }
}

function checkValue(place: string, value: unknown, allowed: Allowed): void {
  if ('is' in allowed) {
    if (allowed.is(value)) return;
    throw new SyncflowError('config', `${place} can't be ${shown(value)}`, { hint: `Give ${allowed.what}.` });
  }
  if (typeof value === 'string' && allowed.includes(value)) return;
  const guess = typeof value === 'string' ? didYouMean(value, allowed) : undefined;
  const all = `It is one of: ${allowed.join(', ')}.`;
  throw new SyncflowError('config', `${place} can't be ${shown(value)}`, {
    hint: guess === undefined ? all : `Did you mean "${guess}"? ${all}`,
  });
}

/** A value of an option as it was written; of what is no plain value, its kind. */
function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
