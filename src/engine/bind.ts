/** Binds registered subscriber classes to their catalogs and accounts, and refuses what can't work. */
import type { CatalogClass } from '../catalog/catalog.js';
import { didYouMean, SyncflowError } from '../errors.js';
import { compileMapping, type Mapping, type Unit } from '../subscriber/compile.js';
import { SubscriberBase } from '../subscriber/base.js';
import type { Registration } from '../subscriber/registration.js';
import type { Binding, CatalogBinding, Referrer } from './binding.js';
import { checkPolicies, checkRegistration } from '../subscriber/options.js';
import { isMetered } from '../subscriber/quota.js';
import { Slots } from './slots.js';

export type Accounts = Readonly<Record<string, unknown>>;

/** @throws SyncflowError `config` for an unknown account, a mapping that can't work, or a reference nobody serves. */
export function bindSubscribers(
  catalogs: readonly CatalogClass[],
  bound: ReadonlyMap<string, CatalogBinding>,
  accounts: Accounts,
  environment: string,
): Binding[] {
  const registered = catalogs.flatMap((main) => main.registrations.map((registration) => ({ main, registration })));
  const bindings = registered.map(({ main, registration }) => {
    const catalog = bound.get(main.definition.name);
    if (catalog === undefined) throw new SyncflowError('config', `the catalog ${main.definition.name} is not bound`);
    return bindOne(bound, catalog, registration, accounts, environment, (name) =>
      registered.find(
        (other) => other.main.definition.name === name && other.registration.account === registration.account,
      ),
    );
  });
  return bindings.map((binding) => {
    const referrers = referrersOf(binding, bindings);
    return { ...binding, referrers, referredBy: outsideCircles(binding, referrers, bindings) };
  });
}

type Unreferred = Omit<Binding, 'referredBy' | 'referrers'>;

function referrersOf({ id }: Unreferred, bindings: readonly Unreferred[]): Referrer[] {
  return bindings.flatMap(({ id: subscriber, mapping, references }) => {
    const refers = ({ reference }: Unit): boolean => reference !== undefined && references[reference] === id;
    return [
      ...mapping.units.filter(refers).map((unit): Referrer => ({ subscriber, unit: unit.name })),
      ...mapping.children.flatMap((child) =>
        child.units.filter(refers).map((unit): Referrer => ({ subscriber, unit: unit.name, child: child.name })),
      ),
    ];
  });
}

/** Where subscribers refer to each other in a circle, nobody comes before the other. */
function outsideCircles(
  binding: Unreferred,
  referrers: readonly Referrer[],
  bindings: readonly Unreferred[],
): Binding['referredBy'] {
  const above = reachable(binding, bindings);
  return referrers.filter(({ subscriber, child }) => child === undefined && !above.has(subscriber));
}

/** A subscriber, those that it refers to, and so on. */
function reachable(from: Unreferred, bindings: readonly Unreferred[]): Set<string> {
  const reached = new Set([from.id]);
  for (const id of reached) {
    const found = bindings.find((one) => one.id === id);
    for (const next of Object.values(found?.references ?? {})) reached.add(next);
  }
  return reached;
}

function nobodyServes(id: string, name: string, account: string, bound: ReadonlyMap<string, unknown>): SyncflowError {
  if (!bound.has(name))
    return new SyncflowError('config', `${id} refers to ${name}, but ${name} isn't among the catalogs`, {
      hint: 'Add it to `catalogs`, or leave the field out of the mapping.',
    });
  return new SyncflowError(
    'config',
    `${id} refers to ${name}, but ${name} has no subscriber in the account "${account}"`,
    {
      hint: `Register one for ${name} with the same account, or leave the field out of the mapping.`,
    },
  );
}

type FindRegistration = (
  catalog: string,
) => { readonly main: CatalogClass; readonly registration: Registration } | undefined;

function bindOne(
  bound: ReadonlyMap<string, CatalogBinding>,
  catalog: CatalogBinding,
  registration: Registration,
  accounts: Accounts,
  environment: string,
  find: FindRegistration,
): Unreferred {
  const id = `${catalog.definition.name}/${registration.as}`;
  const account = requireAccount(id, registration, accounts);
  const subscriber = new registration.subscriber({
    id,
    account: account as never,
    environment,
  });
  const mapping = compileMapping(id, catalog.definition, subscriber.mapping);
  requireClaims(id, subscriber, mapping);
  checkPolicies(id, subscriber);
  checkRegistration(id, registration.options);
  const references: Record<string, string> = {};
  for (const name of referencedCatalogs(mapping)) {
    const other = find(name);
    if (other === undefined) throw nobodyServes(id, name, registration.account, bound);
    references[name] = `${name}/${other.registration.as}`;
  }
  return {
    id,
    account: registration.account,
    catalog,
    subscriber,
    mapping,
    calls: new Slots(subscriber.capabilities.concurrency),
    quota: () => (isMetered(account) ? account.quota() : undefined),
    policies: { ...subscriber.policies, ...registration.options.policies },
    brake: { ...subscriber.brake, ...registration.options.brake },
    ...(registration.options.verify === undefined ? {} : { verify: registration.options.verify }),
    references,
  };
}

/** @throws SyncflowError `config` where a capability has no method, or `match` names no unit */
export function requireClaims(id: string, subscriber: SubscriberBase, mapping: Mapping): void {
  requireMethods(id, subscriber);
  requireMatchUnits(id, subscriber, mapping);
}

function requireMatchUnits(id: string, subscriber: SubscriberBase, mapping: Mapping): void {
  for (const name of subscriber.match) {
    const unit = mapping.units.find((one) => one.name === name);
    if (unit?.reference !== undefined)
      throw new SyncflowError('config', `${id}: match names "${name}", a reference to ${unit.reference}`, {
        hint: 'Match by values that both sides hold as they are, such as a number or an e-mail address. What is linked decides about references.',
      });
    if (unit === undefined) {
      throw new SyncflowError('config', `${id}: match names "${name}", which is not a mapped unit`, {
        hint: `Mapped are: ${mapping.units.map((one) => one.name).join(', ')}.`,
      });
    }
  }
}

type Optional = 'find' | 'keyOf' | 'list' | 'changes' | 'receive';

/** What a class claims it must do: the base's methods answer "nothing", which would pass for the truth. */
function requireMethods(id: string, subscriber: SubscriberBase): void {
  const { capabilities, match } = subscriber;
  const needed: readonly [claimed: boolean, claim: string, method: Optional][] = [
    [capabilities.marker, 'the capability "marker"', 'find'],
    [capabilities.marker, 'the capability "marker"', 'keyOf'],
    [match.length > 0, '"match"', 'find'],
    [capabilities.listing, 'the capability "listing"', 'list'],
    [capabilities.polling, 'the capability "polling"', 'changes'],
    [capabilities.webhooks, 'the capability "webhooks"', 'receive'],
  ];
  for (const [claimed, claim, method] of needed) {
    if (!claimed || subscriber[method] !== SubscriberBase.prototype[method]) continue;
    throw new SyncflowError('config', `${id}: ${claim} needs the method "${method}", which isn't there`, {
      hint: `Override ${method}, or leave ${claim} out.`,
    });
  }
}

function requireAccount(id: string, registration: Registration, accounts: Accounts): unknown {
  if (Object.hasOwn(accounts, registration.account)) return accounts[registration.account];
  const names = Object.keys(accounts);
  const guess = didYouMean(registration.account, names);
  throw new SyncflowError('config', `${id} uses the account "${registration.account}", which isn't given`, {
    hint:
      guess === undefined
        ? `Give it: new Syncflow({ accounts: { ${registration.account}: … } }).`
        : `Did you mean "${guess}"?`,
  });
}

function referencedCatalogs(mapping: Mapping): Set<string> {
  const units: Unit[] = [...mapping.units, ...mapping.children.flatMap((child) => child.units)];
  return new Set(units.flatMap((unit) => unit.reference ?? []));
}

/** Catalogs in an order in which each comes after those that it refers to, as far as there is one. */
export function inReferenceOrder(catalogs: readonly CatalogClass[]): CatalogClass[] {
  const done: CatalogClass[] = [];
  const visit = (main: CatalogClass, path: readonly CatalogClass[]): void => {
    if (done.includes(main) || path.includes(main)) return;
    const columns = [...main.definition.columns, ...main.definition.children.flatMap((child) => child.columns)];
    for (const column of columns) {
      const target = column.references?.();
      if (target !== undefined && catalogs.includes(target)) visit(target, [...path, main]);
    }
    done.push(main);
  };
  for (const main of catalogs) visit(main, []);
  return done;
}
