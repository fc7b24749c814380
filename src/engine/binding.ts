/** A registered subscriber, bound to its catalog and account: what the steps of the road work with. */
import type { AnyRecord, CatalogBase, CatalogDefinition } from '../catalog/catalog.js';
import type { HubRows } from '../store/rows.js';
import type { SubscriberBase } from '../subscriber/base.js';
import type { Mapping } from '../subscriber/compile.js';
import type { Slots } from './slots.js';
import type { Brake, Policies, VerifySchedule } from '../subscriber/policy.js';
import type { Quota } from '../subscriber/quota.js';

/** A catalog at work. */
export interface CatalogBinding {
  readonly definition: CatalogDefinition;
  readonly main: CatalogBase;
  readonly rows: HubRows;
}

export type AnySubscriber = SubscriberBase;

/** A subscriber at work. */
export interface Binding {
  /** `catalog/as` */
  readonly id: string;
  readonly account: string;
  readonly catalog: CatalogBinding;
  readonly subscriber: AnySubscriber;
  readonly mapping: Mapping;
  /** Its calls under way in this process: as many as its capability `concurrency` allows, over all passes. */
  readonly calls: Slots;
  /** What its account says of its rate limit; undefined where it says nothing. */
  readonly quota: () => Quota | undefined;
  readonly policies: Policies;
  readonly brake: Brake;
  /** By the clock; undefined: as Syncflow's options say. */
  readonly verify?: VerifySchedule | false;
  /** Subscriber ids of referenced catalogs in the same account, by catalog name. */
  readonly references: Readonly<Record<string, string>>;
  /** Who refers to this one's records, and by which of its units; children's references aside. */
  readonly referredBy: readonly { readonly subscriber: string; readonly unit: string }[];
  /** All who refer to this one's records, in circles and in lines of a collection too. */
  readonly referrers: readonly Referrer[];
}

/** A unit by which links of a subscriber refer to others. */
export interface Referrer {
  readonly subscriber: string;
  readonly unit: string;
  /** The collection whose lines hold it. */
  readonly child?: string;
}

/** The record that subscribers see, from the row as loaded; undefined for a soft-deleted one. */
export function extractRecord(
  catalog: CatalogBinding,
  row: AnyRecord | undefined,
): { record: AnyRecord | undefined; softDeleted: boolean } {
  if (row === undefined) return { record: undefined, softDeleted: false };
  if (catalog.rows.isSoftDeleted(row)) return { record: undefined, softDeleted: true };
  return { record: catalog.main.extract(row), softDeleted: false };
}
