/** All benchmarks, in the order in which they run. */
import type { Benchmark } from '../harness/benchmark.js';
import { outwardPlain } from './outward-plain.js';

export const benchmarks: readonly Benchmark[] = [outwardPlain];
