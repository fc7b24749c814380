/** When each subscriber's system last answered: an outage is no record's fault, and mustn't park those that it meets. */
export class Contacts {
  readonly #heardAt = new Map<string, number>();

  /** The system of a subscriber answered, be it to refuse. */
  heard(subscriber: string, at: Date): void {
    this.#heardAt.set(subscriber, at.getTime());
  }

  /** Whether it answers: it has done so within so many ms. */
  answers(subscriber: string, now: Date, withinMs: number): boolean {
    const heardAt = this.#heardAt.get(subscriber);
    return heardAt !== undefined && now.getTime() - heardAt <= withinMs;
  }
}
