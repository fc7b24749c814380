/** Checks what a config gives to an account: it is seen by no compiler where the config is JavaScript. */
import { didYouMean, SyncflowError } from '../../errors.js';
import type { StripeAccountOptions } from './account.js';

type Kind = 'text' | 'number' | 'texts' | 'clock';

const kinds: Readonly<Record<keyof StripeAccountOptions, Kind>> = {
  apiKey: 'text',
  webhookSecrets: 'texts',
  baseUrl: 'text',
  host: 'text',
  port: 'number',
  protocol: 'text',
  ratePerSecond: 'number',
  endpointRatePerSecond: 'number',
  concurrency: 'number',
  timeoutMs: 'number',
  metadataPrefix: 'text',
  webhookToleranceSeconds: 'number',
  lookBackHours: 'number',
  clock: 'clock',
};

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && !Number.isNaN(value),
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  clock: (value) => typeof value === 'object' && value !== null,
};

const named: Readonly<Record<Kind, string>> = {
  text: 'a text',
  number: 'a number',
  texts: 'a list of texts',
  clock: 'a clock: { now }',
};

/** @throws SyncflowError `config` naming the option; its value may be a secret, and is never said */
export function checkAccountOptions(options: StripeAccountOptions): void {
  const known = Object.keys(kinds);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, name)) {
      const guess = didYouMean(name, known);
      throw new SyncflowError('config', `StripeAccount: unknown option "${name}"`, {
        hint: guess === undefined ? `There are: ${known.join(', ')}.` : `Did you mean "${guess}"?`,
      });
    }
    const kind = kinds[name as keyof StripeAccountOptions];
    if (value !== undefined && !fits[kind](value))
      throw new SyncflowError('config', `StripeAccount: ${name} must be ${named[kind]}`, {
        hint: `Give ${named[kind]}; it is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`} now.`,
      });
  }
  if ((options as Partial<StripeAccountOptions>).apiKey === undefined)
    throw new SyncflowError('config', 'StripeAccount: apiKey is missing', {
      hint: "Take it from the environment: apiKey: process.env.STRIPE_API_KEY ?? ''. Is the variable set?",
    });
}
