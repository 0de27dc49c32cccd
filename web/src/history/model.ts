// One open database or export as the page sees it: the filters, the table as it stands, the task
// that is looked at. The worker holds the rows; this holds what is in view.
import { batch, computed, effect, type Signal, signal, untracked } from '@preact/signals';
import { note, numberIn, type Place, place } from '../app/place';
import type { Info } from '../protocol/core-types';
import { Cancelled, type Client, type Listener, Newest } from '../protocol/client';
import { type Choices, type GanttData, type Opened, type Queried, type Query, type Sort, type SortColumn, STALE, type TableRow } from '../protocol/messages';
import { member, type Node, parseJson, plain } from '../text/json';
import { sentences } from '../text/visible';
import { Pages } from '../ui/pages';
import { Position } from '../ui/position';
import { tell } from '../ui/save';
import { toDetails } from './focus';
import { GanttScale } from './gantt-scale';

export type View = 'table' | 'timeline';
/** The newest so many tasks are drawn; older ones are reached with the filters. */
export const MOST_BARS = 20_000;
export const SORTS: readonly SortColumn[] = ['id', 'name', 'outcome', 'start', 'duration', 'exit', 'host', 'info1', 'info2', 'info3'];
const NEWEST: Sort = { column: 'start', down: true };

export interface Details {
  entry: number;
  record: Node;
  text: string;
}

export class HistoryModel {
  readonly name: string;
  readonly bytes: number;
  readonly info: Info;
  readonly loaded = signal(0);
  readonly done = signal(false);
  readonly view = signal<View>('table');
  readonly text = signal('');
  readonly only = signal<{ name: string | null; outcome: string | null; since: number | null }>({ name: null, outcome: null, since: null });
  readonly sort = signal<Sort>(NEWEST);
  readonly queried = signal<Queried | null>(null);
  readonly choices: Signal<Choices>;
  readonly selected = signal<number | null>(null);
  /** The bar of the timeline that the keyboard is on: chosen last, or where the arrows have led. */
  readonly bar = signal<number | null>(null);
  /** The row of the table that the keyboard is on. */
  readonly cursor = signal(0);
  readonly details = signal<Details | null>(null);
  /** Why there are none. */
  readonly detailsError = signal('');
  /** Once they are there, the details take the focus: they were asked for by keyboard. */
  focusDetails = false;
  readonly gantt = signal<GanttData | null>(null);
  readonly exporting = signal<{ part: number; stop: AbortController } | null>(null);
  readonly filtered = computed(() => {
    const { name, outcome, since } = this.only.value;
    return this.text.value.trim() !== '' || name !== null || outcome !== null || since !== null;
  });

  readonly position = new Position(30);
  readonly scale = new GanttScale();
  readonly pages: Pages<TableRow>;

  #asking = new Newest();
  #looking = new Newest();
  #stops: (() => void)[] = [];

  constructor(
    readonly client: Client,
    /** Tells two openings of the same file apart. */
    readonly id: number,
    opened: Extract<Opened, { kind: 'history' }>,
    listener: Listener,
  ) {
    this.name = opened.name;
    this.bytes = opened.bytes;
    this.choices = signal({ used: [], names: [], moreNames: 0, outcomes: [], now: opened.written });
    this.info = opened.info;
    this.pages = new Pages((first, count, signal) => client.call('table', { first, count }, { signal }), (error) => this.failed(error));
    client.listener = {
      ...listener,
      loaded: ({ rows, done }) => {
        batch(() => {
          this.loaded.value = rows;
          this.done.value = done;
        });
      },
    };
    this.restore(place.value);
    this.#stops.push(
      effect(() => {
        if (!this.done.value) return;
        this.#askChoices();
        this.#find(this.#wanted);
      }),
      effect(() => {
        if (this.done.value) this.#ask(this.query(), this.view.value);
      }),
      effect(() => this.#askDetails(this.selected.value)),
      effect(() => {
        const window = this.scale.window.value;
        const scroll = Math.round(this.scale.scroll.value);
        const round = (seconds: number | undefined): string | null => seconds?.toFixed(2) ?? null;
        untracked(() => note({ from: round(window?.from), to: round(window?.to), scroll: scroll || null }, 'replace'));
      }),
      effect(() => {
        if (this.selected.value !== null) this.bar.value = this.selected.value;
      }),
    );
  }

  /** Stands where another opening of the same file stood. */
  carry(old: HistoryModel): void {
    this.position.top.value = old.position.top.peek();
    this.cursor.value = old.cursor.peek();
  }

  query(): Query {
    return { text: this.text.value, ...this.only.value, sort: this.sort.value };
  }

  search(text: string): void {
    this.text.value = text;
    note({ q: text }, 'replace');
  }

  filter(change: Partial<{ name: string | null; outcome: string | null; since: number | null }>): void {
    this.only.value = { ...this.only.peek(), ...change };
    note({ ...this.only.value }, 'push');
  }

  toggleOutcome(outcome: string): void {
    this.filter({ outcome: this.only.peek().outcome === outcome ? null : outcome });
  }

  clearFilters(): void {
    batch(() => {
      this.text.value = '';
      this.only.value = { name: null, outcome: null, since: null };
    });
    note({ q: null, name: null, outcome: null, since: null }, 'push');
  }

  sortBy(column: SortColumn): void {
    const { column: old, down } = this.sort.peek();
    const numbers = column === 'start' || column === 'duration' || column === 'id';
    this.sort.value = { column, down: old === column ? !down : numbers };
    note({ sort: `${this.sort.value.down ? '-' : ''}${column}` }, 'push');
  }

  show(view: View): void {
    this.view.value = view;
    note({ view: view === 'table' ? null : view }, 'push');
  }

  /** The address follows once it is known which task that is. */
  select(entry: number | null, how: 'push' | 'replace' = 'push'): void {
    if (entry === this.selected.peek()) return;
    this.#wanted = undefined;
    this.#how = how;
    this.selected.value = entry;
    if (entry === null) note({ task: null }, how);
  }

  /** By keyboard: the details take the focus. */
  look(entry: number | null): void {
    if (entry !== null && entry === this.selected.peek()) toDetails();
    else {
      this.focusDetails = true;
      this.select(entry);
    }
  }

  restore(from: Place, top?: number): void {
    const sort = from.get('sort') ?? '';
    const column = SORTS.find((one) => one === sort.replace('-', ''));
    const since = numberIn(from, 'since', -1);
    const [start, end] = [Number(from.get('from')), Number(from.get('to'))];
    batch(() => {
      this.view.value = from.get('view') === 'timeline' ? 'timeline' : 'table';
      this.text.value = from.get('q') ?? '';
      this.only.value = { name: from.get('name') ?? null, outcome: from.get('outcome') ?? null, since: since < 0 ? null : since };
      this.sort.value = column ? { column, down: sort.startsWith('-') } : NEWEST;
      this.scale.window.value = end > start ? { from: start, to: end } : null;
      this.scale.scroll.value = numberIn(from, 'scroll', 0);
    });
    this.#find(from.get('task'));
    if (top === undefined) return;
    // The same rows are there already; others come, and are put there then.
    if (JSON.stringify(this.query()) === this.#asked) this.position.stay(top);
    else this.#wantedTop = top;
  }

  async takeCsv(): Promise<Blob | null> {
    const stop = new AbortController();
    this.exporting.value = { part: 0, stop };
    try {
      return await this.client.call('csv', {}, { signal: stop.signal, progress: (part) => (this.exporting.value = { part, stop }) });
    } catch (error) {
      this.failed(error);
      return null;
    } finally {
      this.exporting.value = null;
    }
  }

  failed(error: unknown): void {
    if (!(error instanceof Cancelled)) tell(wordsOf(error));
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
  }

  #askChoices(): void {
    this.client.call('choices', {}).then(
      (choices) => (this.choices.value = choices),
      (error: unknown) => this.failed(error),
    );
  }

  #asked = '';
  #wantedTop: number | undefined;

  #ask(query: Query, view: View): void {
    this.#asking.run(async () => {
      try {
        const key = JSON.stringify(query);
        if (key !== this.#asked) {
          const queried = await this.client.call('query', query);
          const again = this.#asked !== '';
          this.#asked = key;
          this.pages.clear();
          batch(() => {
            this.queried.value = queried;
            this.gantt.value = null;
            if (again) this.cursor.value = 0;
          });
          this.position.rows = queried.count;
          const top = this.#wantedTop ?? (again ? 0 : undefined);
          if (top !== undefined) this.position.stay(top);
        }
        this.#wantedTop = undefined;
        if (view === 'timeline' && !this.gantt.peek()) {
          this.gantt.value = await this.client.call('gantt', { limit: MOST_BARS });
        }
      } catch (error) {
        this.failed(error);
      }
    });
  }

  #askDetails(entry: number | null): void {
    this.detailsError.value = '';
    if (entry === null) {
      this.details.value = null;
      return;
    }
    this.#looking.run(async () => {
      try {
        const text = await this.client.call('record', { entry });
        if (this.selected.peek() !== entry) return;
        const record = parseJson(text);
        this.details.value = { entry, record, text };
        const row = member(record, 'id');
        note({ task: plain(member(record, 'taskid')) + (row ? `.${plain(row)}` : '') }, this.#how);
      } catch (error) {
        if (error instanceof Cancelled || this.selected.peek() !== entry) return;
        batch(() => {
          this.details.value = null;
          this.detailsError.value = wordsOf(error);
        });
      }
    });
  }

  /** Positions change with every task that ends; what an address names is looked for once all is read. */
  /** The task of the address, as long as it is that and no choice that is looked at. */
  #wanted: string | undefined;
  #how: 'push' | 'replace' = 'replace';

  #find(task: string | undefined): void {
    this.#wanted = task;
    this.#how = 'replace';
    if (task === undefined) this.selected.value = null;
    else if (this.done.peek()) {
      this.client.call('find', { task }).then(
        (entry) => {
          if (this.#wanted === task) this.selected.value = entry < 0 ? null : entry;
        },
        (error: unknown) => this.failed(error),
      );
    }
  }
}

function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === STALE ? `${sentences(text)}. Press Reload to read it again.` : text;
}
