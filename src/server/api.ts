/** The control API: `Operations` as JSON over HTTP. */
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { didYouMean } from '../errors.js';
import type { PlanDecision } from '../first-load/first-load.js';
import { guard } from './guard.js';
import { readJson, readQuery } from './input.js';
import type { LongOptions, Operations } from './operations.js';
import { apiFailure, errorBody, failure, HttpError, json, type HttpReport } from './respond.js';

export interface ApiOptions {
  readonly token: string;
  readonly allowedHosts: readonly string[];
  readonly bodyTimeoutMs: number;
  readonly report: ((report: HttpReport) => void) | undefined;
  readonly onStop: () => void;
}

/** A line is sent at least this often while something long goes on, so that no proxy or client gives up. */
const heartbeatMs = 10_000;
/** Whoever wants the brake off for longer changes its bounds. */
const maxReleaseMs = 7 * 86_400_000;

const name = z.string().min(1).max(500);
const id = z.string().regex(/^\d{1,18}$/, 'must be the number of a parked record');
const nothing = z.strictObject({});
const parkedFilter = z.strictObject({ subscriber: name.optional(), code: name.optional(), id: id.optional() });
const causeFilter = parkedFilter.omit({ id: true });
const retryRequest = parkedFilter.extend({ as: z.literal('create').optional() });
const conflictFilter = z.strictObject({ subscriber: name.optional(), key: name.optional() });
const explainQuery = z.strictObject({
  catalog: name,
  key: name,
  field: name.optional(),
  fetch: z.literal('true').optional(),
});
const resolveRequest = z.strictObject({
  id,
  take: z.enum(['hub', 'remote', 'value']),
  value: z.json().optional(),
  by: name,
});
const heldQuery = z.strictObject({ target: name.optional() });
const decisionRequest = z.strictObject({ subscriber: name, by: name.optional() });
const releaseRequest = decisionRequest.extend({ forMs: z.int().positive().max(maxReleaseMs).optional() });
const verifyRequest = z.strictObject({ subscriber: name.optional(), repair: z.boolean().optional() });
const itemKind = z.enum(['linked', 'marker', 'match', 'ambiguous', 'here', 'there', 'left']);
const planRequest = z.strictObject({
  target: name.optional(),
  decisions: z
    .array(
      z.strictObject({
        subscriber: name.optional(),
        remoteId: name.optional(),
        key: name.optional(),
        do: z.enum(['link', 'new', 'leave']),
      }),
    )
    .optional(),
});
const planPage = z.strictObject({
  subscriber: name,
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .optional(),
  kind: itemKind.optional(),
});
const applyRequest = z.strictObject({ target: name.optional(), acceptMoved: z.boolean().optional() });
const linkRequest = z.strictObject({ subscriber: name, key: name, remoteId: name });
const unlinkRequest = z.strictObject({ subscriber: name, key: name, separate: z.boolean().optional() });
const targetAndKey = z.strictObject({ target: name, key: name.optional() });

const paths = [
  'status',
  'parked',
  'parked/causes',
  'parked/retry',
  'held',
  'release',
  'discard',
  'sync',
  'verify',
  'conflicts',
  'conflicts/resolve',
  'plan',
  'plan/items',
  'plan/discard',
  'apply',
  'link',
  'unlink',
  'doctor',
  'explain',
  'pause',
  'resume',
  'stop',
];

export function controlApi(operations: Operations, options: ApiOptions): Hono {
  const api = new Hono();
  const body = <T>(context: Context, schema: z.ZodType<T>): Promise<T> =>
    readJson(context, schema, options.bodyTimeoutMs);
  api.use('*', async (context, next) => {
    guard(context.req.raw, options.token, options.allowedHosts);
    await next();
  });
  api.get('/status', async () => json(200, await operations.status()));
  api.get('/parked', async (context) =>
    json(200, { parked: await operations.parked(readQuery(context, parkedFilter)) }),
  );
  api.get('/parked/causes', async (context) =>
    json(200, { causes: await operations.parkedCauses(readQuery(context, causeFilter)) }),
  );
  api.post('/parked/retry', async (context) =>
    json(200, { retried: await operations.retry(await body(context, retryRequest)) }),
  );
  api.post('/release', async (context) =>
    json(200, { released: await operations.release(await body(context, releaseRequest)) }),
  );
  api.post('/discard', async (context) => json(200, await operations.discard(await body(context, decisionRequest))));
  api.get('/held', async (context) => json(200, await operations.held(readQuery(context, heldQuery).target)));
  api.post('/sync', async (context) => {
    await body(context, nothing);
    return long(context, options, async (progress) => ({ status: await operations.sync(progress) }));
  });
  api.post('/verify', async (context) => {
    const { subscriber, repair } = await body(context, verifyRequest);
    return long(context, options, async (progress) => ({
      reports: await operations.verify(subscriber, { ...progress, ...(repair === undefined ? {} : { repair }) }),
    }));
  });
  api.get('/conflicts', async (context) =>
    json(200, { conflicts: await operations.conflicts(readQuery(context, conflictFilter)) }),
  );
  api.post('/conflicts/resolve', async (context) =>
    json(200, { resolved: await operations.resolve(await body(context, resolveRequest)) }),
  );
  firstLoadRoutes(api, operations, options);
  api.get('/doctor', async () => json(200, await operations.doctor()));
  api.get('/explain', async (context) => {
    const { fetch, ...query } = readQuery(context, explainQuery);
    return json(200, await operations.explain({ ...query, fetch: fetch === 'true' }));
  });
  for (const what of ['pause', 'resume'] as const) {
    api.post(`/${what}`, async (context) => {
      const { target, key } = await body(context, targetAndKey);
      return json(200, { [what === 'pause' ? 'paused' : 'resumed']: await operations[what](target, key) });
    });
  }
  api.post('/stop', async (context) => {
    await body(context, nothing);
    setImmediate(options.onStop); // after the answer is on its way
    return json(202, { stopping: true });
  });
  api.all('*', (context) => {
    const path = context.req.path.replace(/^.*\/api\//, '');
    if (paths.includes(path))
      return failure(new HttpError(405, 'method', `${context.req.method} isn't how ${path} is called`));
    const guess = didYouMean(path, paths);
    return failure(
      new HttpError(
        404,
        'not-found',
        `there is no ${path} in the API`,
        guess === undefined ? {} : { hint: `Did you mean "${guess}"?` },
      ),
    );
  });
  api.onError((error, context) => {
    const known = apiFailure(error);
    if (known.status >= 500 || known.status === 401 || known.status === 403) {
      options.report?.({ where: `${context.req.method} ${context.req.path}`, status: known.status, error });
    }
    return failure(known);
  });
  return api;
}

function firstLoadRoutes(api: Hono, operations: Operations, options: ApiOptions): void {
  const body = <T>(context: Context, schema: z.ZodType<T>): Promise<T> =>
    readJson(context, schema, options.bodyTimeoutMs);
  api.post('/plan', async (context) => {
    const { target, decisions = [] } = await body(context, planRequest);
    return long(context, options, async (progress) => ({
      reports: await operations.plan({ ...progress, target, decisions: decisions as readonly PlanDecision[] }),
    }));
  });
  api.get('/plan/items', async (context) => {
    const { limit, ...page } = readQuery(context, planPage);
    return json(200, {
      items: await operations.planItems({ ...page, limit: limit === undefined ? undefined : Number(limit) }),
    });
  });
  api.post('/plan/discard', async (context) => {
    const { target } = await body(context, z.strictObject({ target: name.optional() }));
    return json(200, { discarded: await operations.discardPlan(target) });
  });
  api.post('/apply', async (context) => {
    const request = await body(context, applyRequest);
    return long(context, options, async (progress) => ({
      reports: await operations.apply({ ...progress, ...request }),
    }));
  });
  api.post('/link', async (context) => {
    await operations.link(await body(context, linkRequest));
    return json(200, { linked: true });
  });
  api.post('/unlink', async (context) => {
    const { separate, ...request } = await body(context, unlinkRequest);
    const { remoteId } = await operations.unlink({ ...request, ...(separate === undefined ? {} : { separate }) });
    return json(200, { unlinked: true, remoteId });
  });
}

type LongWork = (options: LongOptions) => Promise<object>;

/** Answers as one JSON document, or line by line with the progress on the way where the caller takes `application/x-ndjson`. */
async function long(context: Context, options: ApiOptions, work: LongWork): Promise<Response> {
  if (context.req.header('accept') !== 'application/x-ndjson') return json(200, await work({}));
  const where = `${context.req.method} ${context.req.path}`;
  return new Response(stream(where, options, work), {
    headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
  });
}

function stream(where: string, options: ApiOptions, work: LongWork): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      const send = (line: object): void => {
        if (!gone.signal.aborted) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      const heartbeat = setInterval(() => send({}), heartbeatMs);
      heartbeat.unref();
      send({});
      void work({ onProgress: (progress) => send({ progress }), signal: gone.signal })
        .then(
          (result) => send({ result }),
          (error: unknown) => {
            const known = apiFailure(error);
            if (known.status >= 500 && !gone.signal.aborted) options.report?.({ where, status: known.status, error });
            send(errorBody(known));
          },
        )
        .finally(() => {
          clearInterval(heartbeat);
          if (!gone.signal.aborted) controller.close();
        });
    },
    cancel() {
      gone.abort(new Error('the caller went away'));
    },
  });
}
