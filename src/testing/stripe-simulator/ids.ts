const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * A small seeded generator (sfc32). Its state is seeded from two numbers, so the n-th draw of a seed can be
 * made without replaying the earlier ones: that is what lets a reopened data folder go on without repeating an id.
 */
export function seededRandom(seed: number, stream: number): () => number {
  let a = seed | 0;
  let b = stream | 0;
  let c = 0x9e3779b9 | 0;
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 4294967296;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

/** Draws Stripe-like ids from a seed and a counter; the counter is what the journal keeps. */
export class IdSource {
  counter = 0;

  constructor(private readonly seed: number) {}

  token(length: number): string {
    const random = seededRandom(this.seed, this.counter);
    this.counter += 1;
    let out = '';
    for (let index = 0; index < length; index += 1) out += ALPHABET.charAt(Math.floor(random() * 62));
    return out;
  }

  /** Old kinds (customers, products) carry 14 characters, newer ones `1` and 23. */
  id(prefix: string): string {
    return prefix === 'cus' || prefix === 'prod' || prefix === 'req'
      ? `${prefix}_${this.token(14)}`
      : `${prefix}_1${this.token(23)}`;
  }

  uuid(): string {
    const random = seededRandom(this.seed, this.counter);
    this.counter += 1;
    return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => Math.floor(random() * 16).toString(16));
  }
}
