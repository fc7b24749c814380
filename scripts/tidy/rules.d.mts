/** Types for tests: the scripts themselves are plain JavaScript. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly todo: string;
}

export interface House {
  readonly entries: readonly string[];
  readonly limits: { readonly fileLines: number; readonly fileLinesWarning: number; readonly functionLines: number };
  readonly boundaries: readonly {
    readonly from: string;
    readonly values: readonly string[];
    readonly types: readonly string[];
    readonly why: string;
  }[];
  readonly visibility: readonly { readonly to: string; readonly only: readonly string[]; readonly why: string }[];
  readonly pure: readonly string[];
  readonly impure: readonly string[];
  readonly printing: readonly string[];
  readonly sql: readonly string[];
  readonly exceptions: readonly { readonly rule: string; readonly place: string; readonly reason: string }[];
}

export function check(files: ReadonlyMap<string, string>, house: House): Finding[];
