/** Shadows: what both sides last agreed on, as pairs. */
import { canonicalJson, type Json } from '../catalog/values.js';

/**
 * The pair of one unit: what the hub held (canonical text) and what the remote showed for it. `h` absent: they don't agree, and
 * the hub's value is still owed to the remote. `r` absent: the remote showed nothing there.
 */
export interface Pair {
  readonly h?: string | null;
  readonly r?: Json;
  /** Of a reference: what the remote was told in vain, and isn't told again. */
  readonly told?: Json;
}

export type Pairs = Readonly<Record<string, Pair>>;

export interface ChildShadow {
  /** The child's id in the remote. Absent: it was sent, and no answer has shown it yet. */
  readonly id?: string;
  readonly units: Pairs;
}

export interface Shadow {
  readonly units: Pairs;
  /** By collection, then by the child's key in the hub. */
  readonly children?: Readonly<Record<string, Readonly<Record<string, ChildShadow>>>>;
  /** A person took back what was edited there: the next merge lets the hub win, whatever the authority says. */
  readonly insists?: 'hub';
  /** Where its units stand in the remote; those that stand under their own name are left out. */
  readonly places?: Readonly<Record<string, string>>;
}

export const emptyShadow: Shadow = { units: {} };

export function pair(h: string | null | undefined, r: Json | undefined): Pair {
  return { ...(h === undefined ? {} : { h }), ...(r === undefined ? {} : { r }) };
}

/** Whether two remote values are the same. Absent and null are two things. */
export function sameRemote(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a === null || b === null) return false;
  if (typeof a !== 'object' && typeof b !== 'object') return false;
  return canonicalJson(a) === canonicalJson(b);
}

/** Whether the hub changed since the pair was agreed on. */
export function hubChanged(base: Pair | undefined, h: string | null): boolean {
  return base === undefined || base.h === undefined || base.h !== h;
}

/** Whether a remote value says "nothing". */
export function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '';
}
