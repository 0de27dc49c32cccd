// Rows of a long list, fetched by pages as they come into view, the last pages kept.
import { signal } from '@preact/signals';
import { Cancelled } from '../protocol/client';

const PAGE = 128;
const KEPT = 48;

export class Pages<Row> {
  /** Changes whenever rows have come or gone. */
  readonly version = signal(0);
  #pages = new Map<number, { rows: Row[]; stale: boolean }>();
  #asked = new Map<number, AbortController>();
  #view: [first: number, count: number, total: number] = [0, 0, 0];

  constructor(
    /** Rows from 0. */
    readonly fetch: (first: number, count: number, signal: AbortSignal) => Promise<Row[]>,
    readonly failed: (error: unknown) => void,
  ) {}

  get(row: number): Row | undefined {
    return this.#pages.get(Math.floor(row / PAGE))?.rows[row % PAGE];
  }

  /** Asks for what is missing in view; what is not in view any more is not waited for. */
  want(first: number, count: number, total: number): void {
    this.#view = [first, count, total];
    const from = Math.floor(first / PAGE);
    const to = Math.floor(Math.max(first, Math.min(total, first + count) - 1) / PAGE);
    for (const [page, controller] of this.#asked) {
      if (page < from || page > to) this.#forget(page, controller);
    }
    for (let page = from; page <= to; page++) {
      const have = this.#pages.get(page);
      const full = have && !have.stale && have.rows.length >= Math.min(PAGE, total - page * PAGE);
      if (!full && !this.#asked.has(page)) void this.#ask(page);
    }
  }

  /** The first rows, before anybody asked. */
  seed(rows: Row[]): void {
    this.#pages.set(0, { rows, stale: true });
    this.version.value++;
  }

  /** The list has grown: rows that were the last may have changed. */
  grown(before: number): void {
    const last = Math.floor(Math.max(0, before - 1) / PAGE);
    for (const [page, kept] of this.#pages) if (page >= last) kept.stale = true;
    // An answer that is on its way may know only what there was before.
    for (const [page, controller] of this.#asked) if (page >= last) this.#forget(page, controller);
    if (this.#view[1] > 0) this.want(...this.#view);
  }

  /** The rows are others now: what is in view is fetched again. */
  clear(): void {
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
    this.#pages.clear();
    this.version.value++;
    if (this.#view[1] > 0) this.want(...this.#view);
  }

  #forget(page: number, controller: AbortController): void {
    controller.abort();
    this.#asked.delete(page);
  }

  async #ask(page: number): Promise<void> {
    const controller = new AbortController();
    this.#asked.set(page, controller);
    try {
      const rows = await this.fetch(page * PAGE, PAGE, controller.signal);
      if (controller.signal.aborted) return;
      this.#pages.delete(page);
      this.#pages.set(page, { rows, stale: false });
      while (this.#pages.size > KEPT) {
        const [oldest] = this.#pages.keys();
        if (oldest === undefined) break;
        this.#pages.delete(oldest);
      }
      this.version.value++;
    } catch (error) {
      if (!(error instanceof Cancelled)) this.failed(error);
    } finally {
      if (this.#asked.get(page) === controller) this.#asked.delete(page);
    }
  }
}
