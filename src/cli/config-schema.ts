/** Checks what a config file exports: which key is wrong, and what was meant. */
import { z } from 'zod';
import { didYouMean, SyncflowError } from '../errors.js';
import { shortestToken } from '../server/guard.js';
import type { HttpOptions } from '../server/handler.js';
import type { SyncflowOptions } from '../syncflow.js';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const hasMethods = (value: unknown, names: readonly string[]): boolean =>
  isObject(value) && names.every((name) => typeof value[name] === 'function');

const milliseconds = z.number().int().positive();
const callable = z.custom((value) => typeof value === 'function', 'must be a function');

const database = z
  .unknown()
  .refine((value) => value !== undefined && value !== '', 'is missing')
  .refine(
    (value) =>
      value === undefined || typeof value === 'string' || hasMethods(value, ['open', 'query', 'transaction', 'close']),
    'must be postgres://…, a folder for an embedded hub, memory:, or a Database',
  );

const catalog = z.custom(
  (value) =>
    typeof value === 'function' &&
    isObject((value as { definition?: unknown }).definition) &&
    Array.isArray((value as { registrations?: unknown }).registrations),
  'is not a main class (class X extends Catalog({ … }))',
);

const retry = z
  .strictObject({ baseMs: milliseconds, maxMs: milliseconds, maxAttempts: z.number().int().positive() })
  .partial();

const http = z
  .strictObject({
    apiToken: z
      .string()
      .refine(
        (token) => token === '' || token.length >= shortestToken,
        `must have at least ${shortestToken} characters`,
      ),
    maxWebhookBytes: z.number().int().positive(),
    bodyTimeoutMs: milliseconds,
    allowedHosts: z.array(z.string().min(1)),
    dashboard: z.enum(['loopback', 'token', 'off']),
    basePath: z.string().startsWith('/', 'must begin with "/"'),
  } satisfies Record<keyof HttpOptions, z.ZodType>)
  .partial();

const options = {
  database,
  catalogs: z.array(catalog, 'must be a list of main classes').min(1, 'is empty'),
  accounts: z.record(z.string(), z.unknown()).optional(),
  environment: z.string().min(1).optional(),
  adoptEnvironment: z.boolean().optional(),
  batchSize: z.number().int().positive().optional(),
  wakeIntervalMs: milliseconds.optional(),
  pollIntervalMs: milliseconds.optional(),
  leaseMs: milliseconds.optional(),
  retry: retry.optional(),
  backfill: z.union([z.boolean(), z.literal('planned')]).optional(),
  verify: z.strictObject({ everyMs: milliseconds, repair: z.boolean().optional() }).optional(),
  http: http.optional(),
  clock: z.custom((value) => hasMethods(value, ['now', 'sleep']), 'must have now() and sleep()').optional(),
  random: callable.optional(),
  newId: callable.optional(),
} satisfies Record<keyof SyncflowOptions, z.ZodType>;

const nested: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(options),
  http: Object.keys(http.shape),
  retry: Object.keys(retry.shape),
};

/** @throws SyncflowError `config` naming the keys that are wrong */
export function checkOptions(value: unknown, file: string): SyncflowOptions {
  if (!isObject(value) || Array.isArray(value)) {
    throw new SyncflowError(
      'config',
      `${file}: its default export is ${value === undefined ? 'missing' : 'not an object of options'}`,
      {
        hint: 'Write: export default { database, catalogs, accounts }. A function or a promise that gives them will do too.',
      },
    );
  }
  if ((value.constructor as { name?: unknown } | undefined)?.name === 'Syncflow') {
    throw new SyncflowError('config', `${file}: its default export is a Syncflow`, {
      hint: 'Export its options instead: the command line makes its own.',
    });
  }
  const parsed = z.strictObject(options).safeParse(value, { reportInput: true });
  if (parsed.success) return value as unknown as SyncflowOptions;
  const problems = parsed.error.issues.flatMap((issue) => describe(issue));
  const hint = problems.map((problem) => problem.hint).find((one) => one !== undefined);
  throw new SyncflowError(
    'config',
    `${file}: ${problems.map((problem) => problem.message).join('; ')}`,
    hint === undefined ? {} : { hint },
  );
}

interface Problem {
  readonly message: string;
  readonly hint: string | undefined;
}

const hints: Readonly<Record<string, string>> = {
  database: 'Give postgres://…, or a folder such as .syncflow/hub. Is the environment variable set?',
  environment: 'It is a name, as text: production, staging.',
  backfill: 'It is true, false or "planned".',
  retry: 'It is { baseMs, maxMs, maxAttempts }.',
  verify: 'It is { everyMs, repair }.',
  'http.apiToken': 'Make one with: openssl rand -hex 24',
  'http.dashboard': 'It is "loopback", "token" or "off".',
  catalogs: 'Write a main class (npx syncflow generate catalog customer) and list it: catalogs: [Customer].',
};

function describe(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = nested[path] ?? [];
    return issue.keys.map((key) => {
      const guess = didYouMean(key, known);
      const hint = guess === undefined ? `There are: ${known.join(', ')}.` : `Did you mean "${guess}"?`;
      return { message: `"${path === '' ? '' : `${path}.`}${key}" is not an option`, hint };
    });
  }
  const hint = hints[path] ?? hintOf(issue);
  const [first, second, ...rest] = issue.path;
  if (first === 'catalogs' && typeof second === 'number' && rest.length === 0)
    return [{ message: `catalogs[${second}] ${issue.message}`, hint: 'Is it imported by the right name?' }];
  return [
    {
      message: `"${path}" ${/^(is|must)\b/.test(issue.message) ? issue.message : `isn't right: ${wordsOf(issue)}`}`,
      hint,
    },
  ];
}

/** What a value must be, where its schema says no more than its type. */
function hintOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    const isTime = /Ms$/.test(String(issue.path.at(-1)));
    return `Give ${isTime ? 'a number of milliseconds' : `a ${issue.expected === 'int' ? 'whole number' : issue.expected}`}${typeof issue.input === 'string' && /^\d+$/.test(issue.input) ? ', without quotes' : ''}.`;
  }
  if (issue.code === 'too_small') return 'Give a greater one.';
  return undefined;
}

/** "Invalid input" says nothing. */
function wordsOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_union' || issue.message === 'Invalid input'
    ? 'it is none of what it may be'
    : issue.message;
}
