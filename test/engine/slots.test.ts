import { expect, test } from 'vitest';
import { Slots } from '../../src/engine/slots.js';

/** Work that ends when it is told to. */
function job(log: string[], name: string) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<string> => {
    log.push(`${name} begins`);
    await ended;
    log.push(`${name} ends`);
    return name;
  };
  return { work, end };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('no more than allowed run at once, whoever asks, and first come is first served', async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  const [a, b, c, d] = [job(log, 'a'), job(log, 'b'), job(log, 'c'), job(log, 'd')] as const;
  const first = slots.all([a, b, c], ({ work }) => work());
  const second = slots.run(d.work);
  await turn();
  expect(log).toEqual(['a begins', 'b begins']);
  b.end();
  await turn();
  expect(log.slice(2)).toEqual(['b ends', 'c begins']);
  for (const one of [a, c, d]) one.end();
  expect(await first).toEqual(['a', 'b', 'c']);
  expect(await second).toBe('d');
  expect(log.indexOf('d begins')).toBeGreaterThan(log.indexOf('c begins'));
});

test('a failure gives its slot back', async () => {
  const slots = new Slots(1);
  await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await slots.run(() => Promise.resolve('yes'))).toBe('yes');
});

test('none at all would wait for ever: there is one at least', async () => {
  expect(await new Slots(0).run(() => Promise.resolve('yes'))).toBe('yes');
});

test('a lower lane goes first, whoever came before', async () => {
  const slots = new Slots(1);
  const log: string[] = [];
  const [a, b, c, d] = [job(log, 'a'), job(log, 'b'), job(log, 'c'), job(log, 'd')] as const;
  for (const one of [a, b, c, d]) one.end();
  const bulk = slots.all(
    [a, b, c],
    ({ work }) => work(),
    () => 1,
  );
  await slots.run(d.work, 0);
  await bulk;
  expect(log.filter((line) => line.endsWith('begins'))).toEqual(['a begins', 'd begins', 'b begins', 'c begins']);
});
