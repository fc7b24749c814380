import { Api } from './api.js';
import { StripeDashboard } from './dashboard.js';
import { Engine } from './engine.js';
import { StripeFaults } from './faults.js';
import { RateLimiter, SANDBOX_RATE_LIMIT, type RateLimit } from './rate-limit.js';
import { RequestLog } from './request-log.js';
import { SimulatorServer } from './server.js';
import { StripeSimulatorState } from './state.js';
import type { Delivery } from './store.js';
import { WebhookDispatcher, type WebhookOptions } from './webhooks.js';

export interface StripeSimulatorOptions {
  /** 0 (default): any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default `sk_test_simulator`. */
  apiKeys?: readonly string[];
  /** Absent: Stripe's sandbox limits, 25/s and 25/s per endpoint. Passed as undefined: no limit. */
  rateLimit?: RateLimit | undefined;
  /** A folder to keep everything in; absent: in memory only. */
  dataDir?: string;
  /** The simulator's time: creation times, expiry of keys, rate limits, search lag, signatures. */
  clock?: { now(): Date };
  /** Ids and faults are drawn from it. */
  seed?: number;
  /** How long /search lags behind; default 60 s. */
  searchLagMs?: number;
  webhooks?: WebhookOptions;
}

/**
 * A stateful stand-in for Stripe's v1 API over HTTP, to be used with the official SDK. It validates against Stripe's
 * published schema and misbehaves as Stripe does, so what passes against it has met Stripe's habits.
 */
export class StripeSimulator {
  readonly faults: StripeFaults;
  readonly state: StripeSimulatorState;
  readonly dashboard: StripeDashboard;
  private readonly engine: Engine;
  private readonly log = new RequestLog();
  private readonly options: StripeSimulatorOptions;
  private webhooks: WebhookDispatcher | undefined;
  private server: SimulatorServer | undefined;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private boundPort = 0;

  constructor(options: StripeSimulatorOptions = {}) {
    this.options = options;
    const clock = options.clock ?? { now: () => new Date() };
    const seed = options.seed ?? 1;
    this.faults = new StripeFaults(seed);
    this.engine = new Engine({
      seed,
      searchLagMs: options.searchLagMs ?? 60_000,
      dataDir: options.dataDir,
      now: () => clock.now().getTime(),
    });
    this.state = new StripeSimulatorState(this.engine.store, this.log, () => this.webhooks?.heldCount ?? 0);
    this.dashboard = new StripeDashboard(this.engine, (deliveries) => this.deliverLater(deliveries));
    this.faults.connectRelease(() => this.webhooks?.release());
    this.engine.open();
  }

  get port(): number {
    return this.boundPort;
  }

  get url(): string {
    return `http://${this.options.host ?? '127.0.0.1'}:${this.boundPort}`;
  }

  /** A second call while running (or starting) joins the first. */
  start(): Promise<void> {
    this.starting ??= this.open().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /** Stops listening and delivering; a second call joins the first, and the simulator may be started again. */
  stop(): Promise<void> {
    this.stopping ??= this.close().finally(() => {
      this.stopping = undefined;
    });
    return this.stopping;
  }

  /** Resolves when every webhook was delivered, given up, lost or is held. */
  async settled(): Promise<void> {
    // Deliveries start a turn after the answer: let those of answers already received start.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await this.webhooks?.settled();
  }

  private deliverLater(deliveries: readonly Delivery[]): void {
    // While stopped they stay in the store, from where the next start takes them.
    void this.webhooks?.deliver(deliveries);
  }

  private async close(): Promise<void> {
    const { starting } = this;
    this.starting = undefined;
    await starting?.catch(() => undefined);
    const { server, webhooks } = this;
    this.server = undefined;
    this.webhooks = undefined;
    await server?.close();
    await webhooks?.stop();
    this.engine.close();
  }

  private async open(): Promise<void> {
    await this.stopping;
    const { engine, faults, log, options } = this;
    engine.open();
    const webhooks = new WebhookDispatcher(
      {
        store: engine.store,
        faults,
        nowSeconds: () => Math.floor(engine.now() / 1000),
        ended: (deliveries) => engine.noteEnded(deliveries),
      },
      options.webhooks,
    );
    const deliver = (deliveries: readonly Delivery[]): Promise<void> => webhooks.deliver(deliveries);
    const limiter = new RateLimiter('rateLimit' in options ? options.rateLimit : SANDBOX_RATE_LIMIT);
    const api = new Api({ engine, faults, limiter, apiKeys: options.apiKeys ?? ['sk_test_simulator'], deliver });
    const server = new SimulatorServer({
      api,
      engine,
      log,
      deliver: (deliveries) => void deliver(deliveries),
      control: {
        state: this.state,
        faults,
        settled: () => this.settled(),
        edit: async (method, path, params) => this.dashboard.request(method, path, params),
      },
    });
    const address = await server.listen(this.boundPort || (options.port ?? 0), options.host ?? '127.0.0.1');
    this.boundPort = address.port;
    this.server = server;
    this.webhooks = webhooks;
    // Whatever a former run (or an edit made while stopped) left undelivered.
    void deliver([...engine.store.deliveries.values()]);
  }
}
