/**
 * The span of a record's way: from its edit to the remote's answer (`outward`), or from the pass that looks at its remote to the row
 * of the hub (`inward`). A pass takes many records at once, each with a trace of its own.
 */
import type { Binding } from '../engine/binding.js';
import type { Clock } from '../engine/environment.js';
import { maskKey } from '../server/redact.js';
import type { Link } from '../store/links.js';
import { errorType, type Attributes, type Span } from './span.js';
import type { Begin, Step, Tracing } from './tracing.js';

type Claimed = Pick<Link, 'id' | 'fence'>;

export class RecordSpans {
  readonly #tracing: Tracing;
  readonly #clock: Clock;
  readonly #spans = new Map<string, { readonly span: Span; readonly catalog: string }>();

  constructor(tracing: Tracing, clock: Clock) {
    this.#tracing = tracing;
    this.#clock = clock;
  }

  /** Begins a span for each link that a pass has claimed. */
  claimed(binding: Binding, links: readonly Link[]): void {
    for (const link of links) {
      const span = this.#begin(binding, link);
      // nobody traces
      if (span === undefined) return;
      this.#spans.set(nameOf(link), { span, catalog: binding.catalog.definition.name });
    }
  }

  #begin(binding: Binding, link: Link): Span | undefined {
    const isOutward = link.key !== undefined && !link.look;
    const catalog = binding.catalog.definition.name;
    const trail = this.#tracing.trailOf(binding.id, { ...link, catalog });
    const now = this.#clock.now();
    const editedAt = isOutward && link.editedAt !== undefined ? new Date(link.editedAt) : undefined;
    return this.#tracing.begin(isOutward ? 'outward' : 'inward', {
      parent: trail ?? 'none',
      // the first attempt has waited since the edit; a later one, or a load, begins by itself
      ...(editedAt !== undefined && link.attempts === 0 && link.lane === 0 && editedAt < now
        ? { startedAt: editedAt }
        : {}),
      attributes: {
        catalog,
        subscriber: binding.id,
        key: link.key === undefined ? undefined : maskKey(link.key),
        remote_id: link.remoteId === undefined ? undefined : maskKey(link.remoteId),
        attempts: link.attempts,
      },
    });
  }

  of(link: Claimed): Span | undefined {
    return this.#spans.get(nameOf(link))?.span;
  }

  /** A step that was made for all of these at once, and is over. */
  made(links: readonly Claimed[], step: Step, startedAt: Date): void {
    if (this.#spans.size === 0) return;
    for (const link of links) {
      const parent = this.of(link);
      if (parent?.isRecording === true)
        this.#tracing.begin(step, { parent, startedAt, attributes: { batch_size: links.length } })?.end();
    }
  }

  /** A step of one record; calls made in `work` belong to it. */
  async during<T>(link: Claimed, step: Step, begin: Begin, work: (span: Span | undefined) => Promise<T>): Promise<T> {
    const parent = this.of(link);
    if (parent === undefined) return work(undefined);
    return this.#tracing.during(step, { ...begin, parent }, work);
  }

  /**
   * A call that is made for several records: each has its share in its own trace, and the call itself, to which the client's spans
   * belong, is linked with all of them. `told` says how it went for each.
   */
  async together<T>(
    links: readonly Claimed[],
    begin: (index: number) => Attributes,
    work: () => Promise<readonly T[]>,
    told: (answer: T) => { readonly outcome: string; readonly failed: boolean },
  ): Promise<readonly T[]> {
    const parents = links.map((link) => this.of(link));
    if (parents.every((parent) => parent === undefined)) return work();
    const call =
      links.length === 1
        ? undefined
        : this.#tracing.begin('batch', {
            kind: 'client',
            parent: 'none',
            attributes: { ...begin(0), operation: undefined, batch_size: links.length },
            links: parents.filter((parent) => parent !== undefined),
          });
    const spans = parents.map((parent, index) =>
      parent === undefined
        ? undefined
        : this.#tracing.begin('push', {
            kind: 'client',
            parent,
            attributes: { ...begin(index), batch_size: links.length },
            ...(call === undefined ? {} : { links: [call] }),
          }),
    );
    const active = call ?? spans[0];
    try {
      const answers = await (active === undefined ? work() : active.run(work));
      for (const [index, span] of spans.entries()) {
        const answer = answers[index];
        if (answer === undefined) continue;
        const { outcome, failed } = told(answer);
        span?.set({ outcome });
        if (failed) span?.fail(outcome);
      }
      return answers;
    } catch (error) {
      for (const span of spans) span?.fail(errorType(error));
      throw error;
    } finally {
      for (const span of [...spans, call]) span?.end();
    }
  }

  /** What became of it is committed; `tell` emits its events within the span, which ends then. */
  settled(link: Claimed, outcome: { readonly failed?: string | undefined } & Attributes, tell: () => void): void {
    const span = this.of(link);
    if (span === undefined) {
      tell();
      return;
    }
    const { failed, ...attributes } = outcome;
    span.set(attributes);
    if (failed !== undefined) span.fail(failed);
    span.run(tell);
    span.end();
  }

  /** The pass has written the record itself: its passes for other subscribers go on from here. */
  wrote(link: Claimed, key: string): void {
    const known = this.#spans.get(nameOf(link));
    known?.span.run(() => this.#tracing.wrote(known.catalog, key));
  }

  /** The pass is over. What wasn't settled by it (its lease was lost, the database failed) says so. */
  released(links: readonly Claimed[]): void {
    if (this.#spans.size === 0) return;
    for (const link of links) {
      const span = this.of(link);
      if (span?.isRecording === true) span.fail('unsettled');
      span?.end();
      this.#spans.delete(nameOf(link));
    }
  }
}

/** A link that was claimed anew is another. */
function nameOf({ id, fence }: Claimed): string {
  return `${id}@${fence}`;
}
