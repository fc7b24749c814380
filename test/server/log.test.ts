import { expect, test } from 'vitest';
import { SyncflowError } from '../../src/errors.js';
import { createLogger, logEvents, logHttp } from '../../src/server/log.js';
import { maskPersonal, maskSecrets } from '../../src/server/redact.js';
import type { Syncflow } from '../../src/syncflow.js';
import type { SyncflowEvents } from '../../src/events.js';

const canaries = {
  url: 'postgres://hub:CANARY-p@ss@db.example/shop',
  key: 'sk_test_CANARY51abc',
  webhook: 'whsec_CANARYsecret',
  bearer: 'Bearer CANARY.token-123',
  named: 'apiKey: "CANARY-key"',
  assignment: 'password=CANARY',
};
const personal = {
  email: 'canary@example.com',
  detail: 'Key (email)=(Canary Jones) already exists.',
  quoted: 'invalid input syntax for type integer: "Canary Jones"',
  phone: 'the number +49 170 1234567 is not valid',
};

/** Just the part of a Syncflow that logs listen to. */
function fakeFlow() {
  const listeners = new Map<string, (event: never) => void>();
  const flow = {
    on: (name: string, listener: (event: never) => void) => {
      listeners.set(name, listener);
      return () => listeners.delete(name);
    },
  } as unknown as Syncflow;
  const emit = <N extends keyof SyncflowEvents>(name: N, event: SyncflowEvents[N]): void =>
    (listeners.get(name) as ((event: SyncflowEvents[N]) => void) | undefined)?.(event);
  return { flow, emit, listeners };
}

test('secrets are masked wherever they stand, and hints stay readable', () => {
  const masked = maskSecrets(Object.values(canaries).join(' · '));
  expect(masked).not.toContain('CANARY');
  expect(masked).toContain('postgres://***@db.example/shop');
  expect(maskSecrets('Set it: apiKey: process.env.STRIPE_API_KEY.')).toContain('process.env.STRIPE_API_KEY');
});

test('what looks like personal data is masked', () => {
  expect(maskPersonal(Object.values(personal).join(' · '))).not.toMatch(/canary|170|1234567/i);
  expect(maskPersonal('unique constraint "customer_email_key" of process 12345')).toContain('customer_email_key');
});

test('no event carries a secret or a value into the log; keys and remote ids stand there', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) } });
  const { flow, emit, listeners } = fakeFlow();
  const stop = logEvents(flow, logger);
  const record = { subscriber: 'customer/stripe', key: '["42"]', remoteId: 'cus_1' };
  const leak = [...Object.values(canaries), ...Object.values(personal)].join(' ');
  emit('pushed', { ...record, operation: 'create', units: ['email'], values: { email: leak } } as never);
  emit('parked', { ...record, code: 'rejected', reason: leak });
  emit('retried', { ...record, reason: leak, inMs: 5 });
  emit('blocked', { subscriber: 'customer/stripe', reason: leak, inMs: 5 });
  emit('error', {
    where: 'route',
    error: Object.assign(new Error(leak), { detail: leak, query: leak, code: '23505' }),
  });
  emit('error', {
    where: 'route',
    error: new SyncflowError('database', leak, { hint: leak, context: { leak }, cause: new Error(leak) }),
  });
  logHttp(logger)({ where: 'webhook stripe', status: 400, error: new Error(leak) });
  logger.info({ account: { apiKey: 'CANARY', token: 'CANARY' }, password: 'CANARY' }, 'whole objects');
  const text = lines.join('');
  expect(text).not.toMatch(/canary|1234567/i);
  expect(lines).toHaveLength(8);
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    level: 'warn',
    event: 'parked',
    key: '["42"]',
    remoteId: 'cus_1',
    code: 'rejected',
  });
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('reason');
  stop();
  expect(listeners.size).toBe(0);
});

test('reasons are logged when asked for, masked', () => {
  const lines: string[] = [];
  const { flow, emit } = fakeFlow();
  logEvents(flow, createLogger({ destination: { write: (line) => lines.push(line) } }), { reasons: true });
  emit('parked', {
    subscriber: 'a/b',
    key: '["1"]',
    remoteId: undefined,
    code: 'rejected',
    reason: 'no mail to canary@example.com',
  });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ reason: 'no mail to <email>' });
});
