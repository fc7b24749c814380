/** The dashboard over HTTP: its page, its session, what it reads, what it does, and the live stream. Record keys travel in bodies, never in URLs. */
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import type { Syncflow } from '../../syncflow.js';
import { readJson } from '../input.js';
import { apiFailure, failure, json, type HttpReport } from '../respond.js';
import { Actions } from './actions.js';
import { StaticFiles } from './files.js';
import { Live } from './live.js';
import { Reads } from './reads.js';
import { Sessions, type Peer } from './session.js';

export interface DashboardOptions {
  readonly token: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly openOnLoopback: boolean;
  readonly bodyTimeoutMs: number;
  /** Where the handler is mounted: the cookie is for what lies below. */
  readonly basePath: string;
  readonly report: ((report: HttpReport) => void) | undefined;
}

type PeerOf = (request: Request) => Peer | undefined;

const id = z.string().regex(/^\d{1,18}$/, 'must be a number');
const name = z.string().min(1).max(500);
const filter = z.enum(['agreement', 'waiting', 'parked', 'conflict', 'left-alone', 'tombstone']);
const event = z.enum([
  'created',
  'updated',
  'deleted',
  'linked',
  'unlinked',
  'record-created',
  'record-updated',
  'record-deleted',
  'conflict',
  'parked',
  'released',
  'discarded',
  'overwritten',
  'operated',
]);
const by = z.string().trim().min(1).max(100);
const after = id.optional();
const nothing = z.strictObject({});
const cause = { code: name, cause: z.string().max(4_000) };

export function dashboardRoutes(flow: Syncflow, peerOf: PeerOf, options: DashboardOptions): Hono {
  const app = new Hono();
  const reads = new Reads(flow);
  const live = new Live(flow, reads);
  const sessions = new Sessions({ ...options, path: `${options.basePath}/dashboard` });
  addSession(app, sessions, peerOf, options);
  addReads(app, flow, reads, { sessions, peerOf, options });
  const actions = new Actions(flow, live);
  addActions(app, actions, { sessions, peerOf, options });
  app.get('/api/events', (context) => {
    const peer = peerOf(context.req.raw);
    sessions.mayRead(context.req.raw, peer);
    const stream = live.watch(peer?.closing);
    if (stream === undefined) return new Response('too many pages watch already', { status: 503 });
    return new Response(stream, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // a stream that ends takes its connection along: a server that closes needn't wait for it
        connection: 'close',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
      },
    });
  });
  addFiles(app);
  app.onError((error, context) => {
    const known = apiFailure(error);
    if (known.status >= 500 || known.status === 403)
      options.report?.({ where: `${context.req.method} ${context.req.path}`, status: known.status, error });
    return failure(known);
  });
  return app;
}

function addFiles(app: Hono): void {
  const files = new StaticFiles();
  app.get('/*', (context) => {
    const path = context.req.path.replace(/^.*?\/dashboard\//, '');
    return files.answer(path, /\bgzip\b/.test(context.req.header('accept-encoding') ?? ''));
  });
}

function addSession(app: Hono, sessions: Sessions, peerOf: PeerOf, options: DashboardOptions): void {
  const answer = ({ session, cookie }: ReturnType<Sessions['open']>): Response =>
    json(200, session, cookie === undefined ? {} : { 'set-cookie': cookie });
  app.get('/api/session', (context) => answer(sessions.open(context.req.raw, peerOf(context.req.raw))));
  app.post('/api/session', async (context) => {
    const { token } = await readJson(context, z.strictObject({ token: name }), options.bodyTimeoutMs);
    return answer(sessions.signIn(context.req.raw, peerOf(context.req.raw), token));
  });
  app.post('/api/session/end', async (context) => {
    sessions.mayAct(context.req.raw, peerOf(context.req.raw));
    return json(200, {}, { 'set-cookie': sessions.signOut(context.req.raw) });
  });
}

interface Gate {
  readonly sessions: Sessions;
  readonly peerOf: PeerOf;
  readonly options: DashboardOptions;
}

function addReads(app: Hono, flow: Syncflow, reads: Reads, { sessions, peerOf, options }: Gate): void {
  const read = <T>(path: string, schema: z.ZodType<T>, answer: (request: T) => Promise<object>): void => {
    app.post(`/api/${path}`, async (context: Context) => {
      sessions.mayRead(context.req.raw, peerOf(context.req.raw));
      return json(200, await answer(await readJson(context, schema, options.bodyTimeoutMs)));
    });
  };
  read('overview', nothing, () => reads.overview());
  read('links', z.strictObject({ subscriber: name, filter: filter.optional(), after }), (request) =>
    reads.links(request),
  );
  read('record', z.strictObject({ link: id, fetch: z.boolean().optional() }), ({ link, fetch }) =>
    reads.record(link, fetch === true),
  );
  read('causes', nothing, async () => ({ causes: await flow.parkedCauses() }));
  read('parked', z.strictObject({ ...cause, after }), (request) => reads.parked(request));
  read('held', z.strictObject({ subscriber: name, after }), (request) => reads.held(request));
  read(
    'activity',
    z.strictObject({ subscriber: name.optional(), events: z.array(event).max(20).optional(), after }),
    (request) => reads.activity(request),
  );
  read('conflicts', z.strictObject({ subscriber: name.optional(), open: z.boolean(), after }), (request) =>
    reads.conflicts(request),
  );
  read('search', z.strictObject({ text: z.string().trim().min(1).max(200) }), async ({ text }) => ({
    hits: await reads.search(text),
  }));
}

function addActions(app: Hono, actions: Actions, { sessions, peerOf, options }: Gate): void {
  const gate = { sessions, peerOf, options };
  const act = <T>(path: string, schema: z.ZodType<T>, answer: (request: T) => Promise<object>): void => {
    app.post(`/api/act/${path}`, async (context: Context) => {
      gate.sessions.mayAct(context.req.raw, gate.peerOf(context.req.raw));
      return json(200, await answer(await readJson(context, schema, gate.options.bodyTimeoutMs)));
    });
  };
  const link = z.strictObject({ by, link: id });
  const target = z.strictObject({ by, subscriber: name });
  act('retry', link.extend({ as: z.literal('create').optional() }), (one) =>
    actions.retryRecord(one.by, one.link, one.as),
  );
  act('retry-cause', z.strictObject({ by, ...cause }), (one) => actions.retryCause(one.by, one.code, one.cause));
  act('release', target, (one) => actions.release(one.by, one.subscriber));
  act('discard', target, (one) => actions.discard(one.by, one.subscriber));
  act('pause', target, (one) => actions.pause(one.by, one.subscriber));
  act('resume', target, (one) => actions.resume(one.by, one.subscriber));
  act('pause-record', link.extend({ paused: z.boolean() }), (one) => actions.pauseRecord(one.by, one.link, one.paused));
  act(
    'resolve',
    z.strictObject({ by, id, take: z.enum(['hub', 'remote', 'value']), value: z.json().optional() }),
    ({ by: who, ...one }) => actions.resolve(who, one),
  );
  act('sync', z.strictObject({ by }), (one) => actions.sync(one.by));
  act('verify', target.extend({ repair: z.boolean().optional() }), (one) =>
    actions.verify(one.by, one.subscriber, one.repair === true),
  );
  act('rescan', target, (one) => actions.rescan(one.by, one.subscriber));
  app.post('/api/verified', async (context) => {
    sessions.mayRead(context.req.raw, peerOf(context.req.raw));
    await readJson(context, nothing, options.bodyTimeoutMs);
    return json(200, { reports: actions.verified });
  });
}
