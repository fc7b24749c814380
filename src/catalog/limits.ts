/** What a field's Zod schema says beside its column: lengths, allowed values, format, default. */
import type { z } from 'zod';

export interface FieldLimits {
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  /** The values of an enum or a literal. */
  readonly values: readonly unknown[] | undefined;
  /** `email`, `url`, `uuid`, … of a text. */
  readonly format: string | undefined;
}

interface Definition {
  readonly type: string;
  readonly format?: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
}

/** The schema inside of nullable, optional, default and pipes. */
export function innermost(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = schema._zod.def as Definition;
  const inner = innerType ?? input;
  return inner === undefined ? schema : innermost(inner);
}

export function limitsOf(schema: z.ZodType): FieldLimits {
  const inner = innermost(schema);
  const def = inner._zod.def as Definition;
  const { minLength, maxLength } = inner as { minLength?: number | null; maxLength?: number | null };
  return {
    minLength: minLength ?? undefined,
    maxLength: maxLength ?? undefined,
    values: def.entries === undefined ? def.values : Object.values(def.entries),
    format: def.format,
  };
}
