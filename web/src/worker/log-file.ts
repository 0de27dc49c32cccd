// One feedback log: reads its bytes, drives the core's index, and answers for lines.
//
// The core keeps only summaries and snapshots; whatever needs the text reads that part of the file
// again. Calls that replay lines use one replayer in the core, so they take turns.
import { Log } from '../../../wasm/pkg/log/log.js';
import type { Key, Problem, Row, State, Summary } from '../protocol/core-types';
import type { Found, FromWorker, Params, Series, StateView } from '../protocol/messages';
import { core } from './core';
import { merge, seriesFrom } from './series';
import { Slices } from './slices';
import { viewOf } from './state-view';
import type { Context } from './main';

/** Small enough for the first rows to come at once. */
const FIRST_PIECE = 1 << 17;
const PIECE = 1 << 20;
const FIRST_ROWS = 64;
/** How often the page is told of progress, in milliseconds; less often as reading takes longer. */
const NEWS = 80;
/** A range of this many bytes is read again for an exact chart. */
const EXACT_BYTES = 8 << 20;
const FINGERPRINT = 4096;

type Post = (message: FromWorker) => void;

export class LogFile {
  #log = new Log();
  #slices: Slices;
  #memory: WebAssembly.Memory | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #located = -1;
  #indexing = false;

  constructor(
    file: File,
    readonly post: Post,
    readonly failed: (error: unknown) => void,
  ) {
    this.#slices = new Slices(file);
  }

  /** Reads from where the index ends to the end of the file; the next piece is on its way meanwhile. */
  async index(): Promise<void> {
    this.#memory ??= await core('log');
    this.#indexing = true;
    const { size } = this.#slices.file;
    let from = this.#summary().bytes;
    let told = -Infinity;
    const began = performance.now();
    const pieceAt = (at: number): number => Math.min(size, at + (at < PIECE ? FIRST_PIECE : PIECE));
    let next = from < size ? this.#slices.once(from, pieceAt(from)) : null;
    try {
      while (next) {
        const bytes = await next;
        if (bytes.length === 0) break;
        from += bytes.length;
        next = from < size ? this.#slices.once(from, pieceAt(from)) : null;
        // Failing is noticed when its turn comes.
        next?.catch(() => {});
        const first = from === bytes.length;
        this.#log.push(bytes);
        const now = performance.now();
        if (now - told >= NEWS + (now - began) / 20 && next) {
          told = now;
          this.#tell(first ? (JSON.parse(this.#log.rows(bytes, 1, 1, FIRST_ROWS)) as Row[]) : undefined);
        }
      }
      // A last half line counts, here as in what the command says; if the file grows, it grows with it.
      this.#log.finish();
    } finally {
      this.#indexing = false;
      this.#located = -1;
      this.#tell();
    }
  }

  /** Takes a newer version of the file. `replaced`: it is another file now and must be opened anew. */
  async grow(file: File): Promise<{ change: 'none' | 'grown' | 'replaced' }> {
    if (this.#indexing) return { change: 'none' };
    const known = this.#summary().bytes;
    const same = file.size === known && file.lastModified === this.#slices.file.lastModified;
    if (same) return { change: 'none' };
    if (file.size < known || !(await this.#continues(file, known))) return { change: 'replaced' };
    this.#slices = new Slices(file);
    await this.#remember(known);
    if (file.size === known) return { change: 'none' };
    this.#located = -1;
    this.index().catch(this.failed);
    return { change: 'grown' };
  }

  #seen: { known: number; head: string; tail: string } | null = null;

  async #remember(known: number): Promise<void> {
    this.#seen = { known, ...(await fingerprint(this.#slices.file, known)) };
  }

  /** True if the first and the last bytes that were read still stand there. */
  async #continues(file: File, known: number): Promise<boolean> {
    const seen = this.#seen;
    if (seen?.known !== known) return true;
    const now = await fingerprint(file, known);
    return now.head === seen.head && now.tail === seen.tail;
  }

  async rows(first: number, count: number, signal: AbortSignal): Promise<Row[]> {
    const found: Row[] = [];
    let line = Math.max(1, first);
    const last = Math.min(first + count - 1, this.#summary().lines);
    while (line <= last) {
      const [from = 0, to = 0, blockLine = 1] = this.#log.block(line);
      const bytes = await this.#slices.read(from, to);
      signal.throwIfAborted();
      const rows = JSON.parse(this.#log.rows(bytes, blockLine, line, last - line + 1)) as Row[];
      if (rows.length === 0) break;
      found.push(...rows);
      line += rows.length;
    }
    return found;
  }

  keys(first: number, count: number, filter: string): { total: number; keys: Key[] } {
    const all = this.#summary().keys;
    const wanted = filter.toLowerCase();
    if (wanted === '') return { total: all, keys: this.#keyPage(first, count) };
    const keys: Key[] = [];
    let total = 0;
    for (let at = 0; at < all; at += 1024) {
      for (const key of this.#keyPage(at, Math.min(1024, all - at))) {
        if (!key.key.toLowerCase().includes(wanted)) continue;
        if (total >= first && keys.length < count) keys.push(key);
        total++;
      }
    }
    return { total, keys };
  }

  #keyPage(first: number, count: number): Key[] {
    return JSON.parse(this.#log.keys(first, count)) as Key[];
  }

  problems(first: number, count: number): Problem[] {
    return JSON.parse(this.#log.problems(first, count)) as Problem[];
  }

  /** For each key `width` values over the whole log, each the last of its part, carried forward. */
  sparks(keys: number[], width: number): Float64Array {
    const { lines } = this.#summary();
    const all = new Float64Array(keys.length * width).fill(NaN);
    if (lines === 0) return all;
    keys.forEach((key, n) => {
      const { last } = seriesFrom(this.#log.series(key, 1, lines, width), width, true);
      let value = NaN;
      for (let p = 0; p < width; p++) {
        const here = last[p] ?? NaN;
        if (!Number.isNaN(here)) value = here;
        all[n * width + p] = Number.isFinite(value) ? value : NaN;
      }
    });
    return all;
  }

  async series(key: number, first: number, last: number, width: number, signal: AbortSignal): Promise<Series> {
    const raw = this.#log.series(key, first, last, width);
    const resolution = raw[3 * width + 1] ?? 1;
    const pixel = (last - first + 1) / width;
    const found = seriesFrom(raw, width, resolution <= Math.max(1, pixel));
    if (found.exact) return found;
    const [from = 0] = this.#log.block(first);
    const [, to = Infinity] = this.#log.block(last);
    if (to - from > EXACT_BYTES) return found;
    const exact: Series = { ...seriesFrom(emptySeries(width), width, true), before: found.before };
    for (let line = first; line <= last; ) {
      const [start = 0, end = 0, blockLine = 1, lines = 0] = this.#log.block(line);
      const bytes = await this.#slices.read(start, end);
      signal.throwIfAborted();
      merge(exact, seriesFrom(this.#log.seriesOf(bytes, blockLine, key, first, last, width), width, true));
      if (lines === 0) break;
      line = blockLine + lines;
    }
    return exact;
  }

  async state(params: Params<'state'>, signal: AbortSignal): Promise<StateView> {
    const whole = await this.#at(params.line, signal, () => JSON.parse(this.#log.state('pairs')) as State);
    return viewOf(whole, params);
  }

  stateText(line: number, form: 'json' | 'feedback', signal: AbortSignal): Promise<string> {
    return this.#at(line, signal, () => this.#log.state(form));
  }

  #at<T>(line: number, signal: AbortSignal, ask: () => T): Promise<T> {
    const work = this.#turn.then(async () => {
      signal.throwIfAborted();
      if (this.#located !== line) {
        this.#located = -1;
        const [from = 0, to = 0] = this.#log.locate(line);
        for (let at = from; at < to; ) {
          const bytes = await this.#replayed(line, at, to);
          signal.throwIfAborted();
          this.#log.feed(bytes);
          at += bytes.length;
        }
        this.#located = line;
      }
      return ask();
    });
    this.#turn = work.catch(() => {});
    return work;
  }

  /** The next bytes to replay: out of the line's own block, which its row needs anyway, or a piece. */
  async #replayed(line: number, at: number, to: number): Promise<Uint8Array> {
    const [start = 0, end = 0] = line > 0 && line <= this.#summary().lines ? this.#log.block(line) : [];
    if (at < start || to > end) return this.#slices.once(at, Math.min(to, at + PIECE, at < start ? start : Infinity));
    return (await this.#slices.read(start, end)).subarray(at - start, to - start);
  }

  async search(params: Params<'search'>, { signal, progress }: Context): Promise<Found> {
    const { needle, ignoreCase, from, backward } = params;
    const last = this.#summary().lines;
    if (needle === '' || last === 0) return { line: null, wrapped: false };
    let line = backward ? from - 1 : from + 1;
    let wrapped = line < 1 || line > last;
    if (wrapped) line = backward ? last : 1;
    let told = performance.now();
    for (let done = 0; done <= last; ) {
      const [start = 0, end = 0, blockLine = 1, lines = 1] = this.#log.block(line);
      const bytes = await this.#slices.once(start, end);
      signal.throwIfAborted();
      const hits = this.#log.search(bytes, blockLine, needle, ignoreCase);
      const hit = backward ? hits.findLast((at) => at <= line) : hits.find((at) => at >= line);
      if (hit !== undefined) return { line: hit, wrapped };
      const size = Math.max(1, lines);
      done += size;
      line = backward ? blockLine - 1 : blockLine + size;
      if (line < 1 || line > last) {
        if (wrapped) break;
        wrapped = true;
        line = backward ? last : 1;
        // The block where the search began is looked at twice, at either side of the start.
        done -= size;
      }
      if (performance.now() - told > NEWS) {
        told = performance.now();
        progress(Math.min(1, done / last));
      }
    }
    return { line: null, wrapped: true };
  }

  #summary(): Summary {
    return JSON.parse(this.#log.summary()) as Summary;
  }

  /** `rows`: the first ones, so that they need not be asked for. */
  #tell(rows?: Row[]): void {
    const summary = this.#summary();
    if (!this.#indexing) void this.#remember(summary.bytes).catch(() => {});
    this.post({
      type: 'indexed',
      summary,
      total: this.#slices.file.size,
      done: !this.#indexing,
      memory: this.#memory?.buffer.byteLength ?? 0,
      ...(rows && { rows }),
    });
  }
}

function emptySeries(width: number): Float64Array {
  return new Float64Array(3 * width + 2).fill(NaN);
}

async function fingerprint(file: File, known: number): Promise<{ head: string; tail: string }> {
  const text = async (from: number, to: number): Promise<string> =>
    new TextDecoder('latin1').decode(await file.slice(from, to).arrayBuffer());
  return {
    head: await text(0, Math.min(known, FINGERPRINT)),
    tail: await text(Math.max(0, known - FINGERPRINT), known),
  };
}
