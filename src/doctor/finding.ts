/** What `doctor` says of one thing. */
export interface Finding {
  /** What was examined: `database`, `triggers of customer`, `account stripe`. */
  readonly check: string;
  /** `broken`: something doesn't work, or soon won't; `warning`: it works, but not as it should. */
  readonly status: 'ok' | 'warning' | 'broken';
  readonly message: string;
  /** What to do about it; undefined where all is well. */
  readonly cure?: string;
}

export interface DoctorReport {
  /** Nothing is broken. */
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message });
export const warning = (check: string, message: string, cure: string): Finding => ({
  check,
  status: 'warning',
  message,
  cure,
});
export const broken = (check: string, message: string, cure: string): Finding => ({
  check,
  status: 'broken',
  message,
  cure,
});

/** `3 s`, `4 min`, `2 h`, `9 days`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}
