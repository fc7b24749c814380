/** Deliveries of remotes to whichever worker answers: lost, doubled, late, replayed, and some that no remote has sent. */
import type { Chance } from './chance.js';
import { pace } from './pace.js';
import type { Change, Remote } from './remote.js';
import { signatureOf } from './subscribers.js';
import type { World } from './world.js';

const attempts = 8;
/** Deliveries of long ago that may be sent again. */
const kept = 50;

export class Webhooks {
  /** Forged deliveries that were taken in. */
  readonly taken: string[] = [];
  readonly #world: World;
  readonly #chance: Chance;
  readonly #old: Change[] = [];

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  deliver(remote: Remote, change: Change): void {
    const { faults } = this.#world;
    if (!remote.character.webhooks) return;
    if (this.#old.length < kept) this.#old.push(change);
    if (faults.hits('webhookLost', change.id, 'webhook')) return;
    this.#later(remote, change, faults.hits('webhookFirst', change.id, 'webhook') ? 0 : this.#delay(change));
    if (faults.hits('webhookTwice', change.id, 'webhook'))
      this.#later(remote, change, this.#chance.within(pace.webhook.twice));
    if (faults.hits('webhookReplayed', change.id, 'webhook'))
      this.#later(remote, faults.chance('webhookReplayed').pick(this.#old), 0);
    if (faults.hits('webhookForged', change.id, 'webhook')) this.#forge(remote, change);
  }

  #delay(change: Change): number {
    const { faults } = this.#world;
    return faults.hits('webhookLate', change.id, 'webhook')
      ? faults.chance('webhookLate').within(pace.webhook.late)
      : this.#chance.within(pace.webhook.delay);
  }

  #later(remote: Remote, change: Change, delay: number): void {
    void this.#world.background(this.#send(remote, change, delay));
  }

  /** Who doesn't know the secret tells of a deletion, or of values that nobody entered. */
  #forge(remote: Remote, change: Change): void {
    const snapshot = change.snapshot && { ...change.snapshot, values: { ...change.snapshot.values, name: 'forged' } };
    const what = this.#chance.hits(0.5) ? 'deleted' : 'changed';
    const forged: Change = { ...change, id: `${change.id}x`, what, snapshot };
    void this.#world.background(
      this.#hand(remote, forged, 'signed by nobody').then((taken) => {
        if (taken) this.taken.push(forged.id);
      }),
    );
  }

  async #send(remote: Remote, change: Change, delay: number): Promise<void> {
    await this.#world.time.sleep(delay);
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await this.#hand(remote, change, signatureOf(remote.name, change.id))) {
        this.#world.witness.acknowledges(`${change.kind}/${remote.name}`, change.id);
        return;
      }
      await this.#world.time.sleep(pace.webhook.againMs * 2 ** attempt);
    }
  }

  /** True where it was acknowledged. */
  async #hand(remote: Remote, change: Change, signature: string): Promise<boolean> {
    const { time } = this.#world;
    const living = this.#world.living();
    if (living.length === 0) return false;
    const delivery = {
      headers: new Headers({ 'x-signature': signature }),
      body: new TextEncoder().encode(JSON.stringify(change)),
      url: new URL('http://sim/'),
      receivedAt: time.now(),
    };
    const answered = this.#chance
      .pick(living)
      .flow.receive(remote.name, delivery)
      .then(
        () => true,
        () => false,
      );
    const impatience = new AbortController();
    const timeout = time.sleep(pace.webhook.timeoutMs, impatience.signal).then(() => false);
    const isTaken = await Promise.race([answered, timeout]);
    // a reason of one's own: the usual one is an error with its stack, which is costly
    impatience.abort(null);
    return isTaken;
  }
}
