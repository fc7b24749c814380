/** A record with lines and its remote: births, deaths and edits on both sides, through the real `merge` and `plan`. */
import { shadowAfter } from '../../src/apply/apply.js';
import type { AnyRecord } from '../../src/catalog/catalog.js';
import { formatKey } from '../../src/catalog/key.js';
import { canonicalJson, type Json } from '../../src/catalog/values.js';
import { merge, type Conflict } from '../../src/merge/merge.js';
import type { Sent } from '../../src/merge/sent.js';
import { pair, type ChildShadow, type Shadow } from '../../src/merge/shadow.js';
import { plan, type Draft } from '../../src/outward/plan.js';
import type { Mapping } from '../../src/subscriber/compile.js';
import { defaultPolicies } from '../../src/subscriber/policy.js';
import { mappingOf, nobody } from '../merge/merge-support.js';
import { forms, type Form } from './merge-model.js';

export type Text = string | null;
export interface HubLine extends Record<string, unknown> {
  readonly id: number;
  readonly text: Text;
}
export interface RemoteLine {
  readonly id: string;
  readonly text: Text;
  readonly marker?: string;
}

const same = (one: unknown, other: unknown): boolean => canonicalJson(one as Json) === canonicalJson(other as Json);

export class LinesWorld {
  readonly mapping: Mapping;
  readonly form: Form;
  hub: HubLine[];
  remote: RemoteLine[];
  shadow: Shadow;
  readonly conflicts: Conflict[] = [];
  hubWrites = 0;
  remoteWrites = 0;
  #nextId = 100;

  /** A record in agreement about lines with these texts: line n has the key n and the remote id `rn`. */
  constructor(texts: readonly Text[], form: Form, authority: 'hub' | 'remote') {
    this.mapping = mappingOf({
      a: 'a',
      lines: { remote: 'lines', id: 'id', marker: 'marker', authority, units: { text: { remote: 'text', authority } } },
    });
    this.form = form;
    this.hub = texts.map((text, id) => ({ id, thing_id: 1, text, n: null }));
    this.remote = texts.map((text, id) => ({ id: `r${id}`, marker: String(id), text: this.stored(text) }));
    const lines = texts.map((text, id): [string, ChildShadow] => [
      formatKey([String(id)]),
      { id: `r${id}`, units: { text: pair(text, this.stored(text)) } },
    ]);
    this.shadow = { units: { a: pair(null, null) }, children: { lines: Object.fromEntries(lines) } };
  }

  stored(text: Text): Text {
    return (forms[this.form](text) ?? null) as Text;
  }

  get #record(): AnyRecord {
    return { id: 1, a: null, lines: this.hub };
  }

  look(sent?: Sent): boolean {
    const before = this.shadow;
    const merged = merge({
      mapping: this.mapping,
      shadow: this.shadow,
      record: this.#record,
      remote: { a: null, lines: this.remote },
      resolver: nobody,
      ...(sent === undefined ? {} : { sent }),
    });
    const next = merged.patch['lines'] as readonly Partial<HubLine>[] | undefined;
    if (next !== undefined) {
      this.hubWrites += 1;
      // the hub gives new lines their keys
      this.hub = next.map((line) => ({ thing_id: 1, text: null, n: null, ...line, id: line.id ?? this.#nextId++ }));
    }
    this.shadow = shadowAfter(merged, this.#record);
    this.conflicts.push(...merged.conflicts);
    return next !== undefined || merged.conflicts.length > 0 || !same(before, this.shadow);
  }

  push(): boolean {
    const next = plan({
      link: { state: 'linked', key: '["1"]', remoteId: 'r1', deleted: false, shadow: this.shadow },
      record: this.#record,
      softDeleted: false,
      inScope: true,
      policies: defaultPolicies,
      mapping: this.mapping,
      resolver: nobody,
    });
    if (next.kind === 'nothing') {
      if (next.shadow === undefined) return false;
      this.shadow = next.shadow;
      return true;
    }
    if (next.kind !== 'update') throw new Error(`an agreed pair is not to be planned as ${next.kind}`);
    this.shadow = next.shadow;
    this.#write(next.draft);
    this.look({ units: next.draft.sent, children: next.draft.sentChildren, firstHand: true });
    return true;
  }

  #write(draft: Draft): void {
    this.remoteWrites += 1;
    const { add, update, remove } = draft.children['lines'] ?? { add: [], update: [], remove: [] };
    const textOf = (values: Record<string, Json>): Text => this.stored(values['text'] as Text);
    this.remote = this.remote
      .filter((line) => !remove.some(({ remoteId }) => remoteId === line.id))
      .map((line) => {
        const change = update.find(({ remoteId }) => remoteId === line.id);
        return change !== undefined && 'text' in change.changed ? { ...line, text: textOf(change.changed) } : line;
      });
    for (const { values } of add)
      this.remote.push({ id: `r${this.#nextId++}`, marker: values['marker'] as string, text: textOf(values) });
  }

  settle(bound = 6): void {
    for (let round = 0; round < bound; round++) {
      const looked = this.look();
      if (!this.push() && !looked) return;
    }
    throw new Error(`not quiet after ${bound} rounds`);
  }

  here(): Text[] {
    return this.hub.map(({ text }) => this.stored(text)).sort();
  }

  there(): Text[] {
    return this.remote.map(({ text }) => text).sort();
  }
}
