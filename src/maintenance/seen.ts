/** Which links a listing has shown: one bit for each, so that a million links need 125 KB. */

const chunkBytes = 1_024;
const chunkBits = chunkBytes * 8;

/** A set of link ids. Pure but for itself. */
export class Seen {
  readonly #chunks = new Map<number, Uint8Array>();

  add(linkId: string): void {
    const { chunk, byte, bit } = placeOf(linkId);
    let bytes = this.#chunks.get(chunk);
    if (bytes === undefined) this.#chunks.set(chunk, (bytes = new Uint8Array(chunkBytes)));
    bytes[byte] = (bytes[byte] ?? 0) | bit;
  }

  has(linkId: string): boolean {
    const { chunk, byte, bit } = placeOf(linkId);
    return ((this.#chunks.get(chunk)?.[byte] ?? 0) & bit) !== 0;
  }

  /** As JSON, to be kept while a sweep goes on. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(
      [...this.#chunks].map(([chunk, bytes]) => [String(chunk), Buffer.from(bytes).toString('base64')]),
    );
  }

  static of(kept: Readonly<Record<string, string>> = {}): Seen {
    const seen = new Seen();
    for (const [chunk, text] of Object.entries(kept)) {
      const bytes = new Uint8Array(chunkBytes);
      bytes.set(Buffer.from(text, 'base64').subarray(0, chunkBytes));
      seen.#chunks.set(Number(chunk), bytes);
    }
    return seen;
  }
}

function placeOf(linkId: string): { readonly chunk: number; readonly byte: number; readonly bit: number } {
  const id = Number(linkId);
  const within = id % chunkBits;
  return { chunk: Math.floor(id / chunkBits), byte: within >> 3, bit: 1 << (within & 7) };
}
