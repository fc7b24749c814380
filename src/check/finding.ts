/** Something that a check found. */

/** `error`: writes or reads of this will fail · `warning`: some may · `note`: to know. */
export type Level = 'error' | 'warning' | 'note';

export interface Finding {
  /** `customer/stripe` */
  readonly subscriber: string;
  /** The unit, or `lines.quantity`; undefined where it concerns the whole mapping. */
  readonly unit: string | undefined;
  /** The remote key. */
  readonly remote: string | undefined;
  readonly level: Level;
  readonly problem: string;
  /** What to do about it. */
  readonly cure: string;
  /** No write of this can ever succeed: `start` refuses to begin. */
  readonly fatal: boolean;
}
