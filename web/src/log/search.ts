// The search of a log: one at a time, in the worker, from where the reader stands.
import { signal } from '@preact/signals';
import { Cancelled } from '../protocol/client';
import { count } from '../text/number';
import type { LogModel } from './model';

export class Search {
  readonly needle = signal('');
  readonly ignoreCase = signal(true);
  /** From 0 to 1 while a search runs, else null. */
  readonly part = signal<number | null>(null);
  readonly outcome = signal('');
  /** The line that was found last; none as soon as something else is looked for. */
  readonly found = signal(0);
  /** The match has yet to be brought into view. */
  arriving = false;
  /** What was looked for last: the first match of something else is one step back. */
  #last = '';
  #running: AbortController | null = null;

  constructor(readonly model: LogModel) {}

  async find(backward: boolean): Promise<void> {
    const needle = this.needle.peek();
    this.cancel();
    if (needle === '') return;
    const own = new AbortController();
    this.#running = own;
    this.part.value = 0;
    this.changed();
    try {
      const from = this.model.line.peek();
      const params = { needle, ignoreCase: this.ignoreCase.peek(), from, backward };
      const found = await this.model.call('search', params, own.signal, (part) => (this.part.value = part));
      if (found.line === null) this.outcome.value = 'Not found';
      else {
        this.found.value = found.line;
        this.arriving = true;
        this.model.visit(found.line, needle === this.#last ? 'replace' : 'push');
        this.#last = needle;
        const turned = backward ? 'went on from the end' : 'went on from the start';
        this.outcome.value = found.wrapped ? `Line ${count(found.line)}, ${turned}` : `Line ${count(found.line)}`;
      }
    } catch (error) {
      if (error instanceof Cancelled) this.outcome.value = 'Cancelled';
      else this.model.failed(error);
    } finally {
      if (this.#running === own) {
        this.#running = null;
        this.part.value = null;
      }
    }
  }

  /** What was said of an earlier search holds no more. */
  changed(): void {
    this.outcome.value = '';
    this.found.value = 0;
  }

  cancel(): void {
    this.#running?.abort();
    this.#running = null;
    this.part.value = null;
  }
}

/** Where the needle stands in a text, for marking: at most `most` places. */
export function places(text: string, needle: string, ignoreCase: boolean, most = 50): number[] {
  if (needle === '') return [];
  const fold = (part: string): string =>
    ignoreCase ? part.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : part;
  const inside = fold(text);
  const wanted = fold(needle);
  const found: number[] = [];
  for (let at = inside.indexOf(wanted); at !== -1 && found.length < most; at = inside.indexOf(wanted, at + wanted.length)) {
    found.push(at);
  }
  return found;
}
