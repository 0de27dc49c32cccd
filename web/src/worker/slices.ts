// Pieces of a file, the last few kept: scrolling asks for the same block again and again.
const KEPT = 6;

export class Slices {
  #kept = new Map<string, Promise<Uint8Array>>();

  constructor(readonly file: File) {}

  read(from: number, to: number): Promise<Uint8Array> {
    const key = `${from}-${to}`;
    const found = this.#kept.get(key);
    // Taking it out and in again makes it the newest.
    if (found) this.#kept.delete(key);
    const piece = found ?? this.once(from, to);
    this.#kept.set(key, piece);
    if (!found) piece.catch(() => this.#kept.delete(key));
    if (this.#kept.size > KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return piece;
  }

  async once(from: number, to: number): Promise<Uint8Array> {
    return new Uint8Array(await this.file.slice(from, to).arrayBuffer());
  }
}

/** Pieces of a file for callers that cannot wait (SQLite). Read ahead, as pages mostly come in order. */
export class SyncSlices {
  #reader = new FileReaderSync();
  #chunks = new Map<number, Uint8Array>();
  /** Why a piece could not be read: callers like SQLite make an error of their own of it. */
  failure: unknown = null;

  constructor(
    readonly file: File,
    readonly chunk = 1 << 18,
    readonly most = 64,
  ) {}

  read(offset: number, length: number): Uint8Array {
    const index = Math.floor(offset / this.chunk);
    const start = offset - index * this.chunk;
    if (start + length <= this.chunk) return this.#load(index).subarray(start, start + length);
    return this.#read(offset, length);
  }

  #load(index: number): Uint8Array {
    let found = this.#chunks.get(index);
    if (!found) {
      found = this.#read(index * this.chunk, this.chunk);
      if (this.#chunks.size >= this.most) this.#chunks.clear();
      this.#chunks.set(index, found);
    }
    return found;
  }

  #read(offset: number, length: number): Uint8Array {
    try {
      return new Uint8Array(this.#reader.readAsArrayBuffer(this.file.slice(offset, offset + length)));
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
