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
  linkSubject,
  parkedPage,
  type ConflictEntry,
  type HistoryEntry,
  type LinkFilter,
} from '../../store/dashboard.js';
import type { HistoryEvent } from '../../store/history.js';
import { parkedReasons } from '../../store/parked.js';
import { rowsThatShow } from '../../store/search.js';
import { findBinding } from '../../engine/prepare.js';
import type { Syncflow } from '../../syncflow.js';
import type { LabelledLink, Overview, Page, RecordView, SearchHit, SubscriberView } from './contract.js';
import { labelled } from './labels.js';
import { quotasOf } from './quotas.js';

export const pageSize = 100;
/** Hits of a search, of each kind. */
const mostHits = 25;

export class Reads {
  readonly #flow: Syncflow;

  constructor(flow: Syncflow) {
    this.#flow = flow;
  }

  async overview(): Promise<Overview> {
    const flow = this.#flow;
    const { subscribers, parked, feeds, backlog } = await flow.measure();
    const { db, bindings, accounts, now } = await flow.inside();
    const runs = await lastRuns(
      db,
      bindings.map(({ id }) => id),
    );
    return {
      environment: flow.environment,
      hub: flow.database.description,
      now: now.toISOString(),
      catalogs: flow.catalogs.map((main) => main.definition.name),
      subscribers: subscribers.map((one): SubscriberView => {
        const [catalog = '', as = ''] = one.subscriber.split('/');
        const { subscriber: _id, ...feed } = feeds.find((other) => other.subscriber === one.subscriber) ?? {
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
      backlog: backlog ?? null,
      quotas: quotasOf(accounts),
    };
  }

  async links(request: {
    subscriber: string;
    filter?: LinkFilter | undefined;
    after?: string | undefined;
  }): Promise<Page<LabelledLink>> {
    const { db, bindings } = await this.#flow.inside();
    findBinding(bindings, request.subscriber);
    return pageOf(await labelled(db, bindings, await linkPage(db, { ...request, limit: pageSize })));
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
    const { db } = await this.#flow.inside();
    return pageOf(await historyPage(db, { ...request, limit: pageSize }));
  }

  async conflicts(request: {
    subscriber?: string | undefined;
    open: boolean;
    after?: string | undefined;
  }): Promise<Page<ConflictEntry>> {
    const { db } = await this.#flow.inside();
    return pageOf(await conflictPage(db, { ...request, limit: pageSize }));
  }

  /** @throws SyncflowError `usage` for a link that isn't there any more, or of a remote without a record */
  async record(link: string, fetch: boolean): Promise<RecordView> {
    const { db, bindings } = await this.#flow.inside();
    const subject = await linkSubject(db, link);
    if (subject === undefined)
      throw new SyncflowError('usage', 'this record is no longer known here', { hint: 'Search for it.' });
    const { subscriber, key } = subject;
    if (key === null)
      throw new SyncflowError('usage', `${subscriber} has this remote, but no record stands for it yet`, {
        hint: 'It is listed under its subscriber, with what it waits for.',
      });
    const catalog = subscriber.split('/')[0] ?? '';
    const explanation = await this.#flow.explain(catalog, key, { fetch });
    const ids = bindings.filter((one) => one.catalog.definition.name === catalog).map(({ id }) => id);
    const links = await linksNamed(db, ids, { remoteIds: [], keys: [key] }, ids.length);
    return {
      link,
      subscriber,
      explanation,
      links: Object.fromEntries(links.map((one) => [one.subscriber, one.id])),
    };
  }

  /** By key, by the remote's id, and by texts of the record that begin so. */
  async search(text: string): Promise<readonly SearchHit[]> {
    const { db, bindings } = await this.#flow.inside();
    const ids = bindings.map(({ id }) => id);
    const wanted = { remoteIds: [text], keys: [text, formatKey([text]), formatKey(text.split('/'))] };
    const named = (await linksNamed(db, ids, wanted, mostHits)).map((one): SearchHit => ({
      ...one,
      field: null,
      value: null,
    }));
    const shown: SearchHit[] = [];
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
    const seen = new Set(named.map(({ id }) => id));
    return [...named, ...shown.filter(({ id }) => !seen.has(id))];
  }
}

function pageOf<T extends { readonly id: string }>(rows: readonly T[]): Page<T> {
  return { rows, next: rows.length < pageSize ? null : (rows.at(-1)?.id ?? null) };
}
