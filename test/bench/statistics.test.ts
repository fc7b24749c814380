/** The benchmarks' arithmetic: order of the runs, ratios pair by pair, quartiles. */
import { describe, expect, test } from 'vitest';
import { isMet, row } from '../../bench/harness/benchmark.js';
import { summarise } from '../../bench/harness/report.js';
import {
  interleave,
  orderOf,
  percentiles,
  ratiosOf,
  spreadOf,
  type Contender,
} from '../../bench/harness/statistics.js';

/** Notes who ran, and gives the next of its figures. */
function scripted(ran: string[], name: string, figures: readonly number[]): Contender {
  const left = [...figures];
  return {
    name,
    run: async () => {
      ran.push(name);
      return { speed: left.shift() ?? Number.NaN };
    },
  };
}

test('two contenders run in turns, and who begins alternates', async () => {
  const ran: string[] = [];
  const pair = [scripted(ran, 'A', [1, 2, 3, 4]), scripted(ran, 'B', [1, 2, 3, 4])];
  await interleave(pair, { rounds: 4, warmUps: 0 });
  expect(ran.join('')).toBe('ABBABAAB');
});

test('of several, each begins and each ends', () => {
  const orders = Array.from({ length: 6 }, (_, round) => orderOf(['A', 'B', 'C'], round).join(''));
  expect(orders).toEqual(['ABC', 'CBA', 'BCA', 'ACB', 'CAB', 'BAC']);
});

test('warm-ups are run, shown as round 0, and not counted', async () => {
  const seen: string[] = [];
  const rounds = await interleave([scripted([], 'A', [100, 100, 1, 2])], {
    rounds: 2,
    warmUps: 2,
    onRun: (name, round, figures) => seen.push(`${name}${round}:${figures['speed']}`),
  });
  expect(seen).toEqual(['A0:100', 'A0:100', 'A1:1', 'A2:2']);
  expect(rounds.get('A')).toEqual([{ speed: 1 }, { speed: 2 }]);
});

test('a ratio is taken within a round, whatever the order was in it', async () => {
  // the machine is half as fast in the second round: that is no difference between the two
  const pair = [scripted([], 'A', [30, 15, 30]), scripted([], 'B', [10, 5, 20])];
  const rounds = await interleave(pair, { rounds: 3, warmUps: 0 });
  expect(ratiosOf(rounds, 'speed', 'A', 'B')).toEqual([3, 3, 1.5]);
});

test('a figure that is missing or no number is an error that names it', async () => {
  const rounds = await interleave([scripted([], 'A', [1]), scripted([], 'B', [])], { rounds: 1, warmUps: 0 });
  expect(() => ratiosOf(rounds, 'speed', 'A', 'B')).toThrow('B gave no speed in round 1');
  expect(() => ratiosOf(rounds, 'pace', 'A', 'B')).toThrow('A gave no pace in round 1');
  expect(() => ratiosOf(rounds, 'speed', 'A', 'C')).toThrow('there is no contender C');
});

test('names must differ', async () => {
  const twice = [scripted([], 'A', [1]), scripted([], 'A', [1])];
  await expect(interleave(twice, { rounds: 1 })).rejects.toThrow('same name');
});

describe('spread', () => {
  test('of five', () => {
    expect(spreadOf([5, 1, 4, 2, 3])).toEqual({
      median: 3,
      min: 1,
      lowerQuartile: 2,
      upperQuartile: 4,
      max: 5,
      count: 5,
    });
  });

  test('between two values it is interpolated', () => {
    expect(spreadOf([1, 2])).toMatchObject({ median: 1.5, lowerQuartile: 1.25, upperQuartile: 1.75 });
  });

  test('of numbers, not of their texts', () => {
    expect(spreadOf([10, 9, 2]).median).toBe(9);
  });

  test('of nothing there is none', () => {
    expect(() => spreadOf([])).toThrow('nothing was measured');
  });

  test('percentiles', () => {
    expect(percentiles(Array.from({ length: 101 }, (_, index) => 100 - index))).toEqual({ p50: 50, p99: 99 });
  });
});

test('verdicts: the median counts, a bound is met by the very value, and what has no target has no verdict', async () => {
  const pair = [scripted([], 'A', [1, 9, 10]), scripted([], 'B', [10, 10, 10])];
  const rounds = await interleave(pair, { rounds: 3, warmUps: 0 });
  const verdict = (target?: { bound: 'least' | 'most'; value: number }): boolean | undefined =>
    isMet(row(rounds, { figure: 'speed', of: 'A', to: 'B', ...(target === undefined ? {} : { target }) }));
  expect(verdict({ bound: 'least', value: 0.9 })).toBe(true);
  expect(verdict({ bound: 'least', value: 0.91 })).toBe(false);
  expect(verdict({ bound: 'most', value: 0.9 })).toBe(true);
  expect(verdict({ bound: 'most', value: 0.89 })).toBe(false);
  expect(verdict()).toBeUndefined();
  const rows = [0.9, 0.91].map((value) =>
    row(rounds, { figure: 'speed', of: 'A', to: 'B', target: { bound: 'least', value } }),
  );
  expect(summarise([{ benchmark: 'b', rows, absolutes: [], notes: [] }])).toEqual({
    text: '1 of 2 targets met, 1 missed',
    missed: 1,
  });
});
