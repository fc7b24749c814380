/** Mappings as users write them: hub field <-> remote key, declared once, checked against both types by the compiler. */
import type { CatalogDefinition, Fields, FieldsOf } from '../catalog/catalog.js';
import type { Lens } from './lens.js';

export type Direction = 'both' | 'outward' | 'inward';

/** What an authority function is told about a conflict. Values are as the hub would hold them. */
export interface ConflictSides {
  readonly unit: string;
  /** The value both sides last agreed on; undefined where they never did. */
  readonly base: unknown;
  readonly hub: unknown;
  readonly remote: unknown;
  /** ISO times of the edits, where known. */
  readonly hubEditedAt: string | undefined;
  readonly remoteEditedAt: string | undefined;
}

/**
 * Who wins when both sides changed a field: `hub`, `remote`, `latest` (by the edits' times; a tie or an unknown time goes to
 * `tie`), or a function that picks a side or gives a merged value.
 */
export type Authority =
  'hub' | 'remote' | 'latest' | ((sides: ConflictSides) => 'hub' | 'remote' | { readonly value: unknown });

export interface UnitOptions {
  /** `both` unless given (`inward` for `inwardOnly` fields). */
  readonly direction?: Direction;
  /** `hub` unless given. */
  readonly authority?: Authority;
  /** Who wins a tie under `latest`; `hub` unless given. */
  readonly tie?: 'hub' | 'remote';
  /** Units of one group move together: a conflict in one decides all. */
  readonly group?: string;
}

/** One mapped field in its long form. */
export interface UnitSpec extends UnitOptions {
  readonly remote: string;
  /** Several hub fields that are one remote key; the lens then takes and gives a tuple. */
  readonly hub?: readonly string[];
  readonly via?: AnyLens;
}

/** How child rows are mapped: `{ remote: 'lines.data', id: 'id', marker: 'metadata.line', units: {…} }`. */
export interface ChildrenSpec {
  /** Where the remote shows its children: a path to an array. */
  readonly remote: string;
  /** Path of a child's own id inside it. */
  readonly id: string;
  /** Path inside a child where the hub's child key is written, so that both can be paired. */
  readonly marker?: string;
  readonly authority?: 'hub' | 'remote';
  readonly direction?: Direction;
  readonly units: Readonly<Record<string, string | UnitSpec>>;
}

export type MappingSpec = Readonly<Record<string, string | UnitSpec | ChildrenSpec>>;

/** A lens of unknown types, as the engine handles it. */
export interface AnyLens {
  put(hub: never): unknown;
  get(remote: never, before: never): unknown;
}

// ---------------------------------------------------------------------------------------------------------------------
// Types that make a wrong key or a wrong type a compile error. A path is followed step by step: nothing is enumerated, so that
// deep SDK types cost nothing.

type Head<P extends string> = P extends `${infer H}.${string}` ? H : P;
type Tail<P extends string> = P extends `${string}.${infer T}` ? T : never;
type Step<T, H extends string> = T extends object ? (H extends keyof T ? T[H] : never) : never;

/** The type that stands at a dotted path: `ValueAt<Stripe.Customer, 'address.city'>`. `never` where there is none. */
export type ValueAt<T, P extends string> = [Tail<P>] extends [never]
  ? Step<NonNullable<T>, P>
  : ValueAt<Step<NonNullable<T>, Head<P>>, Tail<P>>;

type Primitive<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends bigint
        ? bigint
        : T;
type Overlaps<A, B> = [Extract<Primitive<NonNullable<B>>, Primitive<NonNullable<A>>>] extends [never] ? false : true;
type IsUnknown<T> = unknown extends T ? true : false;

type Fits<Hub, Remote> =
  IsUnknown<Hub> extends true ? true : IsUnknown<Remote> extends true ? true : Overlaps<Hub, Remote>;

type HubSide<F, N, S> = S extends { readonly hub: readonly [infer Only] }
  ? Only extends keyof F
    ? F[Only]
    : never
  : S extends { readonly hub: infer Names extends readonly string[] }
    ? { -readonly [I in keyof Names]: Names[I] extends keyof F ? F[Names[I]] : never }
    : N extends keyof F
      ? F[N]
      : never;

type Wrong<Message extends string> = { readonly __wrong: Message };

/** Without null, inside tuples too: a null that a field doesn't take is a matter of validation. */
type Dense<T> = T extends readonly unknown[] ? { -readonly [I in keyof T]: NonNullable<T[I]> } : NonNullable<T>;

/** Whether a field's schema was made by `references`, through nullable and optional. */
type IsReference<S> = S extends { readonly _zod: { readonly def: { readonly innerType: infer Inner } } }
  ? IsReference<Inner>
  : '~references' extends keyof S
    ? true
    : false;
/** The values by field name, a reference being the text that the remote knows the record by. */
type MappedValues<F extends Fields> = {
  [N in keyof F]: IsReference<F[N]> extends true ? string | Extract<FieldsOf<F>[N], null | undefined> : FieldsOf<F>[N];
};

/** The names of the fields that are references. */
type ReferencesOf<F extends Fields> = { [N in keyof F]: IsReference<F[N]> extends true ? N : never }[keyof F];

/** What is wrong with a lens, and on which side; never where it fits. */
type LensMisfit<Hub, Remote, L> = L extends { put(hub: infer H): infer R; get(remote: never, before: never): infer G }
  ? [Hub] extends [H]
    ? [Dense<G>] extends [Dense<Hub>]
      ? Fits<NonNullable<R>, Remote> extends true
        ? never
        : "the remote's side: its put gives another type than stands there"
      : "the hub's side: its get gives another type than the field's"
    : [Dense<Hub>] extends [H]
      ? "the hub's side: its put doesn't take null (make it with lens(put, get))"
      : "the hub's side: its put takes another type than the field's"
  : 'a lens: it is { put(hub), get(remote, before) }';

/** Options that nobody reads: misspelt ones. */
type UnknownOption<S, Known> = Exclude<keyof S, keyof Known> & string;

/** The field and the remote's key have different types, and no lens stands between them. */
type Misfit<Refs, Remote, N extends string, P extends string> = N extends Refs
  ? Overlaps<number, ValueAt<Remote, P>> extends true
    ? Wrong<`"${N}" is a reference, by the remote id as text, and "${P}" is a number: give a lens with via: integerId`>
    : Wrong<`"${N}" is a reference, by the remote id as text, and "${P}" is none: give a lens with via`>
  : Wrong<`"${N}" and remote "${P}" have different types: give a lens with via`>;

type CheckSpec<F, Refs, Remote, N extends string, S, P extends string> = [HubSide<F, N, S>] extends [never]
  ? Wrong<`the catalog has no field "${N}": name its fields with hub: […]`>
  : [ValueAt<Remote, P>] extends [never]
    ? Wrong<`the remote has no "${P}"`>
    : S extends { readonly via: infer L }
      ? [LensMisfit<HubSide<F, N, S>, ValueAt<Remote, P>, L>] extends [never]
        ? S
        : Wrong<`the lens of "${N}" doesn't fit ${LensMisfit<HubSide<F, N, S>, ValueAt<Remote, P>, L>}`>
      : Fits<HubSide<F, N, S>, ValueAt<Remote, P>> extends true
        ? S
        : Misfit<Refs, Remote, N, P>;

type CheckUnit<F, Refs, Remote, N extends string, S> = S extends string
  ? N extends keyof F
    ? [ValueAt<Remote, S>] extends [never]
      ? Wrong<`the remote has no "${S}"`>
      : Fits<F[N], ValueAt<Remote, S>> extends true
        ? S
        : Misfit<Refs, Remote, N, S>
    : Wrong<`the catalog has no field "${N}"`>
  : S extends { readonly remote: infer P extends string }
    ? [UnknownOption<S, UnitSpec>] extends [never]
      ? CheckSpec<F, Refs, Remote, N, S, P>
      : Wrong<`unknown option "${UnknownOption<S, UnitSpec>}"`>
    : Wrong<'a unit is a remote key, or { remote, … }'>;

type ElementOf<T> = NonNullable<T> extends readonly (infer E)[] ? E : never;

/** The option of a children spec that holds a path; undefined where it isn't given. */
type PathOption<S, O extends string> = S extends { readonly [K in O]?: infer P } ? P : undefined;
type HasPath<Element, P> = P extends string
  ? string extends P
    ? true // not known at compile time
    : [ValueAt<Element, P>] extends [never]
      ? false
      : true
  : true;

type CheckChildren<CF extends Fields, Remote, S> = S extends {
  readonly remote: infer P extends string;
  readonly units: infer U;
}
  ? [ElementOf<ValueAt<Remote, P>>] extends [never]
    ? Wrong<`the remote has no list at "${P}"`>
    : [UnknownOption<S, ChildrenSpec>] extends [never]
      ? CheckPaths<ElementOf<ValueAt<Remote, P>>, PathOption<S, 'id'>, PathOption<S, 'marker'>> extends infer Problem
        ? [Problem] extends [never]
          ? Omit<S, 'units'> & {
              readonly units: {
                [N in keyof U & string]: CheckUnit<
                  MappedValues<CF>,
                  ReferencesOf<CF>,
                  ElementOf<ValueAt<Remote, P>>,
                  N,
                  U[N]
                >;
              };
            }
          : Problem
        : never
      : Wrong<`unknown option "${UnknownOption<S, ChildrenSpec>}"`>
  : Wrong<'child rows are mapped with { remote, id, units }'>;

/** A message where a child's id or marker isn't there; never where both are. */
type CheckPaths<Element, Id, Marker> =
  HasPath<Element, Id> extends true
    ? HasPath<Element, Marker> extends true
      ? never
      : Wrong<`a child in the remote has no "${Marker & string}", its marker`>
    : Wrong<`a child in the remote has no "${Id & string}", its id`>;

/** `M` itself where it fits the catalog and the remote's type; otherwise each wrong entry becomes a message. */
export type CheckedMapping<C, Remote, M> = C extends {
  readonly definition: CatalogDefinition<infer F, string, infer Ch>;
}
  ? {
      [N in keyof M & string]: N extends keyof Ch
        ? CheckChildren<Ch[N]['fields'], Remote, M[N]>
        : CheckUnit<MappedValues<F>, ReferencesOf<F>, Remote, N, M[N]>;
    }
  : never;

/** Ties a lens to the types it is used with, where inference needs help. */
export type LensBetween<Hub, Remote> = Lens<Hub, Remote>;
