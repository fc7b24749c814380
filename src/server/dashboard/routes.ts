/** The dashboard over HTTP: its page, its session, what it reads, what it does, and the live stream. Record keys travel in bodies, never in URLs. */
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import type { Syncflow } from '../../syncflow.js';
import { linkOrders } from '../../store/dashboard.js';
import { checkHost } from '../guard.js';
import { readJson } from '../input.js';
import { apiFailure, failure, json, type HttpReport } from '../respond.js';
import { Actions } from './actions.js';
import { Deeds } from './deeds.js';
import { StaticFiles } from './files.js';
import { Lists } from './lists.js';
import { Live } from './live.js';
import { Pairing } from './pairing.js';
import { Reads } from './reads.js';
import { recordView } from './record.js';
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
const kind = z.enum(['linked', 'marker', 'match', 'ambiguous', 'here', 'there', 'left']);
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
  const gate = new Gate(app, sessions, peerOf, options);
  addReads(gate, flow, reads);
  const deeds = new Deeds(flow, live);
  const actions = new Actions(deeds);
  const pairing = new Pairing(deeds);
  addActions(gate, actions);
  addPairing(gate, pairing);
  addLists(gate, new Lists(flow), actions, pairing);
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
  addFiles(app, options.allowedHosts);
  app.onError((error, context) => {
    const known = apiFailure(error);
    if (known.status >= 500 || known.status === 403)
      options.report?.({ where: `${context.req.method} ${context.req.path}`, status: known.status, error });
    return failure(known);
  });
  return app;
}

function addFiles(app: Hono, allowedHosts: readonly string[]): void {
  const files = new StaticFiles();
  app.get('/*', (context) => {
    checkHost(context.req.raw, allowedHosts);
    const path = context.req.path.replace(/^.*?\/dashboard\//, '');
    return files.answer(path, /\bgzip\b/.test(context.req.header('accept-encoding') ?? ''));
  });
}

function addSession(app: Hono, sessions: Sessions, peerOf: PeerOf, options: DashboardOptions): void {
  const answer = ({ session, cookie }: ReturnType<Sessions['open']>): Response =>
    json(200, session, cookie === undefined ? {} : { 'set-cookie': cookie });
  app.get('/api/session', (context) => answer(sessions.open(context.req.raw, peerOf(context.req.raw))));
  app.post('/api/session', async (context) => {
    sessions.refuseStrangers(context.req.raw);
    const { token } = await readJson(context, z.strictObject({ token: name }), options.bodyTimeoutMs);
    return answer(sessions.signIn(context.req.raw, peerOf(context.req.raw), token));
  });
  app.post('/api/session/end', async (context) => {
    sessions.mayAct(context.req.raw, peerOf(context.req.raw));
    return json(200, {}, { 'set-cookie': sessions.signOut(context.req.raw) });
  });
}

/** Two kinds of questions, each with its own guard. */
class Gate {
  readonly #app: Hono;
  readonly #sessions: Sessions;
  readonly #peerOf: PeerOf;
  readonly #bodyTimeoutMs: number;

  constructor(app: Hono, sessions: Sessions, peerOf: PeerOf, { bodyTimeoutMs }: DashboardOptions) {
    this.#app = app;
    this.#sessions = sessions;
    this.#peerOf = peerOf;
    this.#bodyTimeoutMs = bodyTimeoutMs;
  }

  /** For whoever may look. */
  read<T>(path: string, schema: z.ZodType<T>, answer: (request: T) => Promise<object>): void {
    this.#app.post(`/api/${path}`, async (context: Context) => {
      this.#sessions.mayRead(context.req.raw, this.#peerOf(context.req.raw));
      return json(200, await answer(await readJson(context, schema, this.#bodyTimeoutMs)));
    });
  }

  /** For a session that shows its token. */
  act<T>(path: string, schema: z.ZodType<T>, answer: (request: T) => Promise<object>): void {
    this.#app.post(`/api/act/${path}`, async (context: Context) => {
      this.#sessions.mayAct(context.req.raw, this.#peerOf(context.req.raw));
      return json(200, await answer(await readJson(context, schema, this.#bodyTimeoutMs)));
    });
  }
}

function addReads(gate: Gate, flow: Syncflow, reads: Reads): void {
  gate.read('overview', nothing, () => reads.overview());
  const order = z.enum(linkOrders).optional();
  // in the order of changes, a page goes on after a moment and an id
  const place = z
    .string()
    .regex(/^\d{1,18}(\.\d{1,18})?$/)
    .optional();
  const links = { subscriber: name, filter: filter.optional(), order, from: name.optional(), after: place };
  gate.read('links', z.strictObject(links), (request) => reads.links(request));
  gate.read('record', z.strictObject({ link: id, fetch: z.boolean().optional() }), ({ link, fetch }) =>
    recordView(flow, link, fetch === true),
  );
  gate.read('causes', nothing, async () => ({ causes: await flow.parkedCauses() }));
  gate.read('parked', z.strictObject({ ...cause, after }), (request) => reads.parked(request));
  gate.read(
    'activity',
    z.strictObject({ subscriber: name.optional(), events: z.array(event).max(20).optional(), after }),
    (request) => reads.activity(request),
  );
  gate.read('conflicts', z.strictObject({ subscriber: name.optional(), open: z.boolean(), after }), (request) =>
    reads.conflicts(request),
  );
  gate.read('search', z.strictObject({ text: z.string().trim().min(1).max(200) }), async ({ text }) => ({
    hits: await reads.search(text),
  }));
}

const onRecord = z.strictObject({ by, link: id });
const onSubscriber = z.strictObject({ by, subscriber: name });

function addActions(gate: Gate, actions: Actions): void {
  gate.act('retry', onRecord.extend({ as: z.literal('create').optional() }), (one) =>
    actions.retryRecord(one.by, one.link, one.as),
  );
  gate.act('retry-cause', z.strictObject({ by, ...cause }), (one) => actions.retryCause(one.by, one.code, one.cause));
  gate.act('release', onSubscriber, (one) => actions.release(one.by, one.subscriber));
  gate.act('discard', onSubscriber, (one) => actions.discard(one.by, one.subscriber));
  gate.act('pause', onSubscriber, (one) => actions.pause(one.by, one.subscriber));
  gate.act('resume', onSubscriber, (one) => actions.resume(one.by, one.subscriber));
  gate.act('pause-record', onRecord.extend({ paused: z.boolean() }), (one) =>
    actions.pauseRecord(one.by, one.link, one.paused),
  );
  gate.act(
    'resolve',
    z.strictObject({ by, id, take: z.enum(['hub', 'remote', 'value']), value: z.json().optional() }),
    ({ by: who, ...one }) => actions.resolve(who, one),
  );
  gate.act('sync', z.strictObject({ by }), (one) => actions.sync(one.by));
  gate.act('verify', onSubscriber.extend({ repair: z.boolean().optional() }), (one) =>
    actions.verify(one.by, one.subscriber, one.repair === true),
  );
  gate.act('rescan', onSubscriber, (one) => actions.rescan(one.by, one.subscriber));
  gate.act('stop', onSubscriber.extend({ action: z.enum(['verify', 'repair', 'plan', 'apply']) }), (one) =>
    actions.stop(one.by, one.subscriber, one.action),
  );
}

function addPairing(gate: Gate, pairing: Pairing): void {
  gate.act('unlink', onRecord.extend({ separate: z.boolean() }), (one) =>
    pairing.unlink(one.by, one.link, one.separate),
  );
  gate.act('link', onSubscriber.extend({ key: name, remoteId: name }), ({ by: who, ...one }) => pairing.link(who, one));
  gate.act('plan', onSubscriber, (one) => pairing.plan(one.by, one.subscriber));
  gate.act(
    'decide',
    onSubscriber.extend({ remoteId: name.optional(), key: name.optional(), do: z.enum(['link', 'new', 'leave']) }),
    ({ by: who, ...one }) => pairing.decide(who, one),
  );
  gate.act('discard-plan', onSubscriber, (one) => pairing.discard(one.by, one.subscriber));
  gate.act('apply', onSubscriber.extend({ acceptMoved: z.boolean().optional() }), (one) =>
    pairing.apply(one.by, one.subscriber, one.acceptMoved === true),
  );
}

function addLists(gate: Gate, lists: Lists, actions: Actions, pairing: Pairing): void {
  const of = z.strictObject({ subscriber: name });
  gate.read('held', of.extend({ after }), (request) => lists.held(request));
  gate.read('held-counts', of, ({ subscriber }) => lists.heldCounts(subscriber));
  gate.read('plan', of, ({ subscriber }) => pairing.view(subscriber));
  gate.read('plan-items', of.extend({ kind: kind.optional(), after }), (request) => lists.plan(request));
  gate.read('verified', of, async ({ subscriber }) => actions.verified(subscriber));
  gate.read('differences', of.extend({ after }), (request) =>
    lists.differences(request.subscriber, actions.differences(request.subscriber), request.after),
  );
}
