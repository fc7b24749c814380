/** The events of `flow.on(name, listener)`. Names and fields are API. Values of records are never in them. */

export interface RecordEvent {
  readonly subscriber: string;
  /** The record's key as text (`["42"]`); undefined for a remote without a record. */
  readonly key: string | undefined;
  readonly remoteId: string | undefined;
}

export interface SyncflowEvents {
  /** A remote was created, updated or deleted. */
  readonly pushed: RecordEvent & {
    readonly operation: 'create' | 'update' | 'delete';
    readonly units: readonly string[];
  };
  /** Inward sync wrote the hub. */
  readonly applied: RecordEvent & {
    readonly operation: 'create' | 'update' | 'delete';
    readonly units: readonly string[];
  };
  /** A record and a remote that both existed were paired. */
  readonly linked: RecordEvent;
  /** Both sides had changed a unit; the losing value stands in the conflict log. */
  readonly conflict: RecordEvent & {
    readonly unit: string;
    readonly winner: 'hub' | 'remote' | 'merged';
    readonly rule: string;
  };
  /** A record was set aside. */
  readonly parked: RecordEvent & { readonly code: string; readonly reason: string };
  /** The brake holds changes until somebody decides: `release` carries them over, `discard` takes them back. */
  readonly held: {
    readonly subscriber: string;
    readonly direction: 'outward' | 'inward';
    readonly operation: 'delete' | 'update';
    /** Of this batch; `flow.held()` has them all. */
    readonly count: number;
    readonly reason: string;
  };
  /** A whole comparison has ended, by the clock or by hand: how often records and fields differ, by cause (`DriftCause`). */
  readonly verified: {
    readonly subscriber: string;
    readonly compared: number;
    readonly equal: number;
    readonly drift: number;
    readonly parked: number;
    /** Queued for a merge. */
    readonly repairing: number;
    readonly causes: Readonly<Record<string, number>>;
    /** Why what the list didn't show was left alone. */
    readonly held?: string;
  };
  /** A system will forget, or has forgotten, events that weren't read: `half` and four fifths (`urgent`) of the time have gone, or all. */
  readonly retention: {
    readonly subscriber: string;
    readonly level: 'half' | 'urgent' | 'lost';
    readonly unreadMs: number;
    readonly keptMs: number;
  };
  /** Somebody has decided about what was held. */
  readonly decided: {
    readonly subscriber: string;
    readonly decision: 'release' | 'discard';
    readonly count: number;
    readonly by: string;
  };
  /** A parked or failing record is in agreement again. */
  readonly healed: RecordEvent;
  /** An attempt failed and will be made again. */
  readonly retried: RecordEvent & { readonly reason: string; readonly inMs: number };
  /** A whole subscriber is held: credentials or quota. */
  readonly blocked: { readonly subscriber: string; readonly reason: string; readonly inMs: number };
  /** Marks or events were turned into due links. */
  readonly routed: { readonly marks: number; readonly events: number };
  /** Something in the engine itself failed (the database went away, say); it goes on by itself. */
  readonly error: { readonly where: string; readonly error: unknown };
  /** Progress of a first load, a plan of one, its application, or a comparison. */
  readonly progress: {
    readonly subscriber: string;
    readonly kind: 'backfill' | 'verify' | 'plan' | 'apply';
    /** Of a plan and its application: what is done now. Each phase counts anew. */
    readonly phase?: 'listing' | 'comparing' | 'records' | 'queueing' | 'applying';
    readonly done: number;
    readonly total: number | undefined;
    /** Since the phase began, where that can be told yet. */
    readonly perSecond?: number;
    /** Until the phase is over, at that rate. */
    readonly etaMs?: number;
    /** Calls that the account has left in this second, where it counts them. */
    readonly quotaRemaining?: number;
  };
}
