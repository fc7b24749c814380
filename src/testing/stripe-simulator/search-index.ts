import { Collection } from './collection.js';
import type { StripeObject } from './json.js';
import type { Kind } from './store.js';

interface Write {
  at: number;
  kind: Kind;
  id: string;
  value: StripeObject | null;
}

const SEARCHABLE: ReadonlySet<Kind> = new Set<Kind>(['customer', 'product', 'price', 'invoice']);

/** What /search sees: the state of `lagMs` ago. Writes wait in a queue until they are old enough. */
export class SearchIndex {
  private readonly views = new Map<Kind, Collection>();
  private queue: Write[] = [];
  private head = 0;

  constructor(private readonly lagMs: number) {
    for (const kind of SEARCHABLE) this.views.set(kind, new Collection());
  }

  record(at: number, kind: Kind, id: string, value: StripeObject | null): void {
    if (!SEARCHABLE.has(kind)) return;
    this.queue.push({ at, kind, id, value });
    this.catchUp(at);
  }

  visible(kind: Kind, now: number): readonly StripeObject[] {
    this.catchUp(now);
    return this.views.get(kind)?.all() ?? [];
  }

  private catchUp(now: number): void {
    for (
      let next = this.queue[this.head];
      next !== undefined && next.at <= now - this.lagMs;
      next = this.queue[this.head]
    ) {
      const view = this.views.get(next.kind);
      if (next.value === null) view?.remove(next.id);
      else view?.put(next.value);
      this.head += 1;
    }
    if (this.head > 1024) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }
}
