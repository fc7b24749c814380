/** The HTTP face of a Syncflow: one Web-standard function, for any server that speaks Request and Response. */
import { Hono } from 'hono';
import { tablesWithoutColumns } from '../catalog/table.js';
import type { Syncflow } from '../syncflow.js';
import { controlApi } from './api.js';
import { readBody } from './body.js';
import { Metrics } from '../metrics/metrics.js';
import { checkedToken, guard } from './guard.js';
import { LocalOperations } from './operations.js';
import { dashboardRoutes } from './dashboard/routes.js';
import type { Peer } from './dashboard/session.js';
import { failure, HttpError, json, webhookFailure, type HttpReport } from './respond.js';

export type { HttpReport } from './respond.js';

export interface HttpOptions {
  /** Opens the control API (`/api/…`) and `/metrics` to whoever sends it as a bearer token. At least 16 characters; without it there is no API. */
  readonly apiToken?: string;
  /** Largest webhook body, in bytes. 1 MiB unless given. */
  readonly maxWebhookBytes?: number;
  /** How long a body may take to arrive, in ms. 10,000 unless given. */
  readonly bodyTimeoutMs?: number;
  /** Host names by which the control API may be reached besides this machine's own (`localhost`, 127.0.0.1, [::1]). */
  readonly allowedHosts?: readonly string[];
  /**
   * The dashboard at `/dashboard/`. `loopback`: whoever sits at this machine reads it without more ado, anybody else signs in with
   * `apiToken`. `token`: everybody signs in; for machines that others use, too, or behind a proxy on the same machine. `off`: there
   * is none. `loopback` unless given.
   */
  readonly dashboard?: 'loopback' | 'token' | 'off';
  /** Where the handler is mounted in another server: `/syncflow`. The root unless given. */
  readonly basePath?: string;
}

export interface HandlerOptions extends HttpOptions {
  /** Learns of refused and failed requests; the caller outside is told little. */
  readonly report?: (report: HttpReport) => void;
  /** What `POST /api/stop` does; `flow.stop()` unless given. */
  readonly onStop?: () => void;
  /** False: no `/webhooks/…`. */
  readonly webhooks?: boolean;
}

type Routes = Pick<Hono, 'all' | 'get' | 'post' | 'route'>;

/** `peer`: what the server knows of where the request came from; without it, nobody counts as being on this machine. */
export type Handler = (request: Request, peer?: Peer) => Promise<Response>;

/** Webhook bodies held in memory at once; beyond that senders are asked to come again. */
const maxConcurrentWebhooks = 128;
const healthTimeoutMs = 2_000;

/**
 * `POST /webhooks/:account`, `GET /health`, the dashboard, and `/api/…` and `GET /metrics` where a token is given.
 *
 * @example
 * const handle = createHandler(flow, { basePath: '/syncflow', apiToken: process.env.SYNCFLOW_API_TOKEN ?? '' });
 * app.all('/syncflow/*', (context) => handle(context.req.raw)); // any framework that knows Request and Response
 */
export function createHandler(flow: Syncflow, options: HandlerOptions = {}): Handler {
  const token = checkedToken(options.apiToken);
  const root = new Hono();
  const app: Routes = options.basePath === undefined ? root : root.basePath(options.basePath);
  if (options.webhooks !== false) addWebhooks(app, flow, options);
  addHealth(app, flow);
  if (token !== undefined) {
    addMetrics(app, flow, token, options);
    app.route(
      '/api',
      controlApi(new LocalOperations(flow, true), {
        token,
        allowedHosts: options.allowedHosts ?? [],
        bodyTimeoutMs: options.bodyTimeoutMs ?? 10_000,
        report: options.report,
        onStop:
          options.onStop ??
          (() =>
            void flow
              .stop()
              .catch((error: unknown) => options.report?.({ where: 'POST /api/stop', status: 500, error }))),
      }),
    );
  }
  if (token === undefined) addSwitchedOff(app);
  const peers = new WeakMap<Request, Peer>();
  if (options.dashboard !== 'off') addDashboard(app, flow, peers, token, options);
  root.notFound(() => failure(new HttpError(404, 'not-found', 'there is nothing at this path')));
  root.onError((error) => {
    options.report?.({ where: 'http', status: 500, error });
    return failure(new HttpError(500, 'internal', 'something failed inside'));
  });
  return async (request, peer) => {
    if (peer !== undefined) peers.set(request, peer);
    return root.fetch(request);
  };
}

function addDashboard(
  app: Routes,
  flow: Syncflow,
  peers: WeakMap<Request, Peer>,
  token: string | undefined,
  options: HandlerOptions,
): void {
  const basePath = options.basePath?.replace(/\/$/, '') ?? '';
  const toPage = (): Response =>
    new Response(undefined, {
      status: 302,
      headers: { location: `${basePath}/dashboard/`, 'cache-control': 'no-store' },
    });
  app.get('/', toPage);
  app.get('/dashboard', toPage);
  app.route(
    '/dashboard',
    dashboardRoutes(flow, (request) => peers.get(request), {
      token,
      allowedHosts: options.allowedHosts ?? [],
      openOnLoopback: options.dashboard !== 'token',
      bodyTimeoutMs: options.bodyTimeoutMs ?? 10_000,
      basePath,
      report: options.report,
    }),
  );
}

function addWebhooks(app: Routes, flow: Syncflow, options: HandlerOptions): void {
  const limits = { maxBytes: options.maxWebhookBytes ?? 1024 * 1024, timeoutMs: options.bodyTimeoutMs ?? 10_000 };
  let busy = 0;
  app.post('/webhooks/:account', async (context) => {
    const account = context.req.param('account');
    const request = context.req.raw;
    if (busy >= maxConcurrentWebhooks) {
      return failure(
        new HttpError(503, 'busy', 'too many deliveries at once; send it again', {
          headers: { 'retry-after': '1', connection: 'close' },
        }),
      );
    }
    busy += 1;
    try {
      const receivedAt = new Date();
      const body = await readBody(request, limits);
      const { fresh } = await flow.receive(account, {
        headers: request.headers,
        body,
        url: new URL(request.url),
        receivedAt,
      });
      return json(200, { received: fresh });
    } catch (error) {
      const known = webhookFailure(error);
      // any other name is a stranger's words, which are not for the log
      const where = isAccount(flow, account) ? `webhook ${account}` : 'webhook of an unknown account';
      options.report?.({ where, status: known.status, error });
      return failure(known);
    } finally {
      busy -= 1;
    }
  });
  app.all('/webhooks/:account', () =>
    failure(new HttpError(405, 'method', 'webhooks are taken by POST', { headers: { allow: 'POST' } })),
  );
}

/** A bare 404 would send its reader looking for a wrong path. */
function addSwitchedOff(app: Routes): void {
  const off = (): Response =>
    failure(
      new HttpError(404, 'off', 'the control API is switched off', {
        hint: 'Set http.apiToken in the config: openssl rand -hex 24 makes one.',
      }),
    );
  for (const path of ['/metrics', '/api', '/api/*']) app.all(path, off);
}

function isAccount(flow: Syncflow, name: string): boolean {
  return flow.catalogs.some((main) => main.registrations.some((one) => one.account === name));
}

/** Behind the token of the control API: how much a company sells is nobody's business. */
function addMetrics(app: Routes, flow: Syncflow, token: string, options: HandlerOptions): void {
  const metrics = new Metrics(flow);
  app.get('/metrics', async (context) => {
    try {
      guard(context.req.raw, token, options.allowedHosts ?? []);
      const text = await metrics.scrape();
      return new Response(text, { headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' } });
    } catch (error) {
      const known = error instanceof HttpError ? error : new HttpError(503, 'unavailable', 'the hub is not available');
      options.report?.({ where: 'GET /metrics', status: known.status, error });
      return failure(known);
    }
  });
}

function addHealth(app: Routes, flow: Syncflow): void {
  let probing: Promise<Unready | undefined> | undefined;
  app.get('/health/live', () => json(200, { live: true }));
  app.get('/health', async () => {
    // anybody may ask: however many do at once, the hub is asked once
    probing ??= whyUnready(flow).finally(() => (probing = undefined));
    const reason = await probing;
    return reason === undefined
      ? json(200, { live: true, ready: true })
      : json(503, { live: true, ready: false, reason });
  });
}

/** `hub`: it doesn't answer. `tables`: some table lacks a column that its catalog names, so that its records can't be read; `doctor` says which. */
type Unready = 'hub' | 'tables';

async function whyUnready(flow: Syncflow): Promise<Unready | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'hub'>((resolve) => {
    timer = setTimeout(() => resolve('hub'), healthTimeoutMs);
  });
  const asked = readiness(flow).catch((): Unready => 'hub');
  const reason = await Promise.race([asked, late]);
  clearTimeout(timer);
  return reason;
}

async function readiness({ database, catalogs, phase }: Syncflow): Promise<Unready | undefined> {
  await database.query({ name: 'syncflow-ready', text: 'select 1 as ready' });
  // before a start they may still be to be made
  if (phase !== 'working' || database.ground !== undefined) return undefined;
  const unfit = await tablesWithoutColumns(
    database,
    catalogs.map((main) => main.definition),
  );
  return unfit.length === 0 ? undefined : 'tables';
}
