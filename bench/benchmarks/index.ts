/** All benchmarks, in the order in which they run. */
import type { Benchmark } from '../harness/benchmark.js';
import { apiCalls } from './api-calls.js';
import { capture } from './capture.js';
import { core } from './core.js';
import { embedded } from './embedded.js';
import { firstLoad } from './first-load.js';
import { growth } from './growth.js';
import { inward } from './inward.js';
import { inwardBatch } from './inward-batch.js';
import { latency } from './latency.js';
import { massUpdate } from './mass-update.js';
import { outwardPlain } from './outward-plain.js';
import { outwardStripe } from './outward-stripe.js';
import { verify } from './verify.js';
import { webhooks } from './webhooks.js';
import { workers } from './workers.js';

export const benchmarks: readonly Benchmark[] = [
  core,
  outwardPlain,
  outwardStripe,
  capture,
  inward,
  inwardBatch,
  latency,
  massUpdate,
  apiCalls,
  firstLoad,
  webhooks,
  verify,
  workers,
  growth,
  embedded,
];
