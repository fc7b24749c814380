/** What the dashboard shows: small questions over the hub, each bounded, each for one page. */
import { causeOf } from '../../explain/causes.js';
import { SyncflowError } from '../../errors.js';
import { formatKey } from '../../catalog/key.js';
import {
  conflictPage,
  historyPage,
  lastRuns,
  linkPage,
  linksNamed,
  parkedPage,
  type LinkOrder,
  type LinkPageRequest,
} from '../../store/dashboard.js';
import type { HistoryEvent } from '../../store/history.js';
import { feeds } from '../../store/health.js';
import { parkedByCode, parkedReasons } from '../../store/parked.js';
import type { Queryable } from '../../store/database.js';
import type { SubscriberStatus } from '../../store/overview.js';
import { countStates, standingOf, type StateCount } from '../../store/standing.js';
import { rowsThatShow } from '../../store/search.js';
import { findBinding } from '../../engine/prepare.js';
import type { Syncflow } from '../../syncflow.js';
import type {
  ConflictEntry,
  HistoryEntry,
  LabelledLink,
  Overview,
  Page,
  SearchHit,
  SubscriberView,
} from './contract.js';
import { labelled, named } from '../../engine/labels.js';
import { quotasOf } from './quotas.js';

export const pageSize = 100;
/** Hits of a search, of each kind. */
const mostHits = 25;

/** All pairs are counted again after so long at the earliest, and for a fiftieth of the time at most. */
const countMs = 2_000;
const countShare = 50;

interface Counted {
  readonly states: readonly StateCount[];
  readonly at: string;
  readonly dueAt: number;
}

export class Reads {
  readonly #flow: Syncflow;
  readonly #now: () => number;
  #counted: Counted | undefined;

  constructor(flow: Syncflow, now: () => number = Date.now) {
    this.#flow = flow;
    this.#now = now;
  }

  async overview(): Promise<Overview> {
    const flow = this.#flow;
    const { db, bindings, accounts, now } = await flow.inside();
    const ids = bindings.map(({ id }) => id);
    const { states, at: countedAt } = await this.#count(db, ids);
    const subscribers = await standingOf(db, ids, states);
    const [parked, heard, runs] = [await parkedByCode(db, ids), await feeds(db, ids), await lastRuns(db, ids)];
    return {
      environment: flow.environment,
      hub: flow.database.description,
      now: now.toISOString(),
      catalogs: flow.catalogs.map((main) => main.definition.name),
      subscribers: subscribers.map((one): SubscriberView => {
        const [catalog = '', as = ''] = one.subscriber.split('/');
        const { subscriber: _id, ...feed } = heard.find((other) => other.subscriber === one.subscriber) ?? {
          subscriber: '',
        };
        return {
          ...one,
          catalog,
          as,
          account: bindings.find(({ id }) => id === one.subscriber)?.account ?? as,
          feed: 'held' in feed ? feed : null,
          runs: runs.filter((run) => run.subscriber === one.subscriber),
        };
      }),
      parked,
      countedAt,
      quotas: quotasOf(accounts),
    };
  }

  /** What charts are drawn of: by index, however many links there are. */
  async gauges(): Promise<Pick<Overview, 'quotas'> & { readonly subscribers: readonly SubscriberStatus[] }> {
    const { db, bindings, accounts } = await this.#flow.inside();
    const ids = bindings.map(({ id }) => id);
    return { subscribers: await standingOf(db, ids, []), quotas: quotasOf(accounts) };
  }

  /** All pairs are counted for no more than a fiftieth of the time: a hub with one connection works on meanwhile. */
  async #count(db: Queryable, ids: readonly string[]): Promise<Counted> {
    const started = this.#now();
    if (this.#counted !== undefined && started < this.#counted.dueAt) return this.#counted;
    const states = await countStates(db, ids);
    const ended = this.#now();
    this.#counted = {
      states,
      at: new Date(ended).toISOString(),
      dueAt: ended + Math.max(countMs, (ended - started) * countShare),
    };
    return this.#counted;
  }

  /** @param request `from`: a key or the id of a remote, with which the list begins */
  async links(request: Omit<LinkPageRequest, 'limit'> & { from?: string | undefined }): Promise<Page<LabelledLink>> {
    const { db, bindings } = await this.#flow.inside();
    const { subscriber, from, after, ...how } = request;
    findBinding(bindings, subscriber);
    const begin = after === undefined && from !== undefined ? await this.#justBefore(db, request, from) : after;
    const rows = await labelled(
      db,
      bindings,
      await linkPage(db, { ...how, subscriber, after: begin, limit: pageSize }),
    );
    return { rows, next: rows.length < pageSize ? null : cursorOf(rows.at(-1), how.order) };
  }

  /** After which a list begins with this record. */
  async #justBefore(
    db: Queryable,
    { subscriber, order }: Pick<LinkPageRequest, 'subscriber' | 'order'>,
    text: string,
  ): Promise<string | undefined> {
    const wanted = {
      remoteIds: [text],
      keys: [formatKey([text]), formatKey(text.split('/').map((one) => one.trim()))],
    };
    const [found] = await linksNamed(db, [subscriber], wanted, 1);
    if (found === undefined)
      throw new SyncflowError('usage', `${subscriber} knows no record and no remote “${text}”`, {
        hint: 'Give a whole key or a whole remote id. To find one by its name: Search.',
      });
    const next = (BigInt(found.id) + (order === undefined || order === 'oldest' ? -1n : 1n)).toString();
    return cursorOf({ ...found, id: next }, order) ?? undefined;
  }

  /** The records of one cause, as `parkedCauses` groups them. */
  async parked(request: { code: string; cause: string; after?: string | undefined }): Promise<Page<LabelledLink>> {
    const { db, bindings } = await this.#flow.inside();
    const reasons = (await parkedReasons(db, { code: request.code }))
      .map(({ reason }) => reason)
      .filter((reason) => causeOf(reason) === request.cause);
    const rows = await parkedPage(db, { code: request.code, reasons, after: request.after, limit: pageSize });
    return pageOf(await labelled(db, bindings, rows));
  }

  async activity(request: {
    subscriber?: string | undefined;
    events?: readonly HistoryEvent[] | undefined;
    after?: string | undefined;
  }): Promise<Page<HistoryEntry>> {
    const { db, bindings } = await this.#flow.inside();
    return pageOf(await named(db, bindings, await historyPage(db, { ...request, limit: pageSize })));
  }

  async conflicts(request: {
    subscriber?: string | undefined;
    open: boolean;
    after?: string | undefined;
  }): Promise<Page<ConflictEntry>> {
    const { db, bindings } = await this.#flow.inside();
    return pageOf(await labelled(db, bindings, await conflictPage(db, { ...request, limit: pageSize })));
  }

  /** By key, by the remote's id, and by texts of the record that begin so. */
  async search(text: string): Promise<readonly SearchHit[]> {
    const { db, bindings } = await this.#flow.inside();
    const ids = bindings.map(({ id }) => id);
    const wanted = { remoteIds: [text], keys: [text, formatKey([text]), formatKey(text.split('/'))] };
    const whole = (await linksNamed(db, ids, wanted, mostHits)).map((one) => ({ ...one, field: null, value: null }));
    const shown: Omit<SearchHit, 'label'>[] = [];
    for (const main of this.#flow.catalogs) {
      const { definition } = main;
      const rows = await rowsThatShow(db, definition, text, mostHits);
      const own = ids.filter((id) => id.startsWith(`${definition.name}/`));
      const keys = rows.map(({ key }) => key);
      const links = keys.length === 0 ? [] : await linksNamed(db, own, { remoteIds: [], keys }, mostHits * own.length);
      for (const link of links) {
        const row = rows.find(({ key }) => key === link.key);
        if (row !== undefined) shown.push({ ...link, field: row.field, value: row.value });
      }
    }
    const seen = new Set(whole.map(({ id }) => id));
    return labelled(db, bindings, [...whole, ...shown.filter(({ id }) => !seen.has(id))]);
  }
}

function cursorOf(
  row: Pick<LabelledLink, 'id' | 'settledAt'> | undefined,
  order: LinkOrder | undefined,
): string | null {
  if (row === undefined) return null;
  return order === 'changed' ? `${row.settledAt === null ? 0 : Date.parse(row.settledAt)}.${row.id}` : row.id;
}

function pageOf<T extends { readonly id: string }>(rows: readonly T[]): Page<T> {
  return { rows, next: rows.length < pageSize ? null : (rows.at(-1)?.id ?? null) };
}
