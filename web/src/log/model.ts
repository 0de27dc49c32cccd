// One open log as the page sees it: what is known of the file, where the reader stands, and which
// keys are pinned. Views read signals; every change of place goes through `go`.
import { batch, computed, effect, signal } from '@preact/signals';
import type { Key, Problem, Row, Summary } from '../protocol/core-types';
import { Cancelled, type Client, type Indexed, type Listener, Newest } from '../protocol/client';
import { type CallName, type Opened, type Params, type Result, STALE, type StateView } from '../protocol/messages';
import { note, numberIn, type Place, place } from '../app/place';
import { room } from '../app/width';
import { isProgress } from '../text/number';
import { Pages } from '../ui/pages';
import { Position } from '../ui/position';
import { tell } from '../ui/save';
import { Follower } from './follow';
import { Search } from './search';

export type Pane = 'lines' | 'keys' | 'state' | 'problems';
export const ROW = 20;
/** How many pinned keys are drawn; more would leave no room for the lines. */
export const MOST_CHARTS = 6;
/** No key holds one; alone it says that there are none. */
const SEPARATOR = ' ';
/** More pairs are shown on demand: each may be long. */
export const FIRST_PAIRS = 200;

export class LogModel {
  readonly name: string;
  readonly summary = signal<Summary | null>(null);
  readonly total = signal(0);
  readonly done = signal(false);
  readonly memory = signal(0);
  readonly line = signal(0);
  readonly state = signal<StateView | null>(null);
  /** How many pairs of the state are asked for. */
  readonly mostPairs = signal(FIRST_PAIRS);
  readonly stateError = signal('');
  /** The row of the line where the reader stands. */
  readonly here = signal<Row | null>(null);
  readonly pinned = signal<readonly string[]>([]);
  readonly zoom = signal<{ from: number; to: number } | null>(null);
  readonly pane = signal<Pane>('lines');
  readonly side = signal<Pane>('state');
  readonly keyFilter = signal('');
  readonly stateFilter = signal('');
  /** Every key the charts and bars may need, by name. */
  readonly known = signal<ReadonlyMap<string, Key>>(new Map());

  readonly lines = computed(() => this.summary.value?.lines ?? 0);
  readonly problemCount = computed(() => this.summary.value?.problems.total ?? 0);
  readonly chartable = computed(() => this.pinned.value.filter((key) => this.known.value.get(key)?.numeric));
  readonly charted = computed(() => this.chartable.value.slice(0, MOST_CHARTS));

  /** Letters of the longest line that was shown. */
  readonly widest = signal(0);
  readonly linePosition = new Position(ROW);
  readonly keyPosition = new Position(48);
  readonly problemPosition = new Position(44);
  readonly rows: Pages<Row>;
  readonly problems: Pages<Problem>;
  readonly search: Search;
  readonly follower: Follower;

  readonly #listener: Listener;
  #newestState = new Newest();
  #newestKeys = new Newest();
  #stop: (() => void)[] = [];
  #chosePins = false;

  constructor(
    readonly client: Client,
    /** Tells two openings of the same file apart. */
    readonly id: number,
    opened: Extract<Opened, { kind: 'log' }>,
    handle: FileSystemFileHandle | null,
    listener: Listener,
    readonly reopen: () => void,
  ) {
    this.#listener = listener;
    this.name = opened.name;
    this.total.value = opened.bytes;
    const failed = (error: unknown): void => this.failed(error);
    this.rows = new Pages(async (first, count, signal) => this.#measured(await this.call('rows', { first: first + 1, count }, signal)), failed);
    this.problems = new Pages((first, count, signal) => this.call('problems', { first, count }, signal), failed);
    this.search = new Search(this);
    this.follower = new Follower(this, handle);
    client.listener = { ...listener, indexed: (news) => this.#indexed(news) };
    this.restore(place.value);
    this.#stop.push(effect(() => {
        const wanted = { line: this.line.value, first: this.pinned.value, filter: this.stateFilter.value, most: this.mostPairs.value };
        // Read to its end anew, a line may be another one.
        if (this.done.value) void this.summary.value;
        this.#askState(wanted, this.lines.value);
      }),
    );
  }

  /** Stands where another opening of the same file stood. */
  carry(old: LogModel): void {
    this.#wantedTop = this.linePosition.top.value = old.linePosition.top.peek();
    this.keyPosition.top.value = old.keyPosition.top.peek();
    this.keyFilter.value = old.keyFilter.peek();
    this.stateFilter.value = old.stateFilter.peek();
    this.search.needle.value = old.search.needle.peek();
    if (old.line.peek() === old.lines.peek()) {
      // At its end, and so at the end of what has come since; the list too, if it was there.
      this.#wantedLine = this.line.value = 0;
      if (old.seesEnd) this.linePosition.top.value = 0;
    }
    if (old.follower.on.peek()) this.follower.start();
  }

  /** Whether the last line is in view, as far as the list is scrolled. */
  get seesEnd(): boolean {
    return this.linePosition.top.peek() > this.linePosition.last - ROW;
  }

  /** A call that survives a file that has grown meanwhile, where the browser gives the new version. */
  async call<N extends CallName>(name: N, params: Params<N>, signal?: AbortSignal, progress?: (part: number) => void): Promise<Result<N>> {
    const options = { ...(signal && { signal }), ...(progress && { progress }) };
    try {
      return await this.client.call(name, params, options);
    } catch (error) {
      const stale = error instanceof Error && error.message === STALE;
      if (!stale || !(await this.follower.refresh())) throw error;
      return this.client.call(name, params, options);
    }
  }

  go(line: number, how: 'push' | 'replace', reveal = true): void {
    const next = Math.max(0, Math.min(Math.round(line), this.lines.peek()));
    if (Number.isNaN(next)) return;
    this.line.value = next;
    // Noted first: a step that is kept is left where it stands.
    note({ line: next }, how);
    if (reveal && next > 0) this.linePosition.reveal(next - 1);
  }

  /** To a line that was asked for by what it holds: it is shown, also where panes take turns. */
  visit(line: number, how: 'push' | 'replace'): void {
    const turned = room.peek() === 'narrow' && this.pane.peek() !== 'lines';
    if (turned) this.show('lines');
    // Both are one step back.
    this.go(line, turned ? 'replace' : how);
  }

  pin(key: string, on: boolean): void {
    this.#chosePins = true;
    const rest = this.pinned.peek().filter((other) => other !== key);
    this.pinned.value = on ? [...rest, key] : rest;
    note({ keys: this.pinned.value.join(SEPARATOR) || SEPARATOR }, 'replace');
  }

  setZoom(zoom: { from: number; to: number } | null): void {
    const lines = this.lines.peek();
    const from = Math.max(1, Math.round(zoom?.from ?? 1));
    const to = Math.min(lines, Math.round(zoom?.to ?? lines));
    const whole = !zoom || to - from < 1 || (from === 1 && to === lines);
    this.zoom.value = whole ? null : { from, to };
    note({ from: whole ? null : from, to: whole ? null : to }, 'replace');
  }

  show(pane: Pane): void {
    batch(() => {
      this.pane.value = pane;
      if (pane !== 'lines') this.side.value = pane;
    });
    note({ view: pane === 'lines' ? null : pane }, 'push');
  }

  /** `top`: where the lines stood; else the line is brought into view. */
  restore(from: Place, top?: number): void {
    batch(() => {
      this.line.value = numberIn(from, 'line', this.line.peek());
      this.#wantedLine = this.line.value;
      this.#wantedTop = top;
      const start = numberIn(from, 'from', 0);
      const end = numberIn(from, 'to', 0);
      this.zoom.value = start > 0 && end > start ? { from: start, to: end } : null;
      const keys = from.get('keys');
      this.#chosePins = keys !== undefined;
      if (keys === undefined) this.pinned.value = worthPinning([...this.known.peek().values()]);
      else this.pinned.value = keys.split(SEPARATOR).filter((key) => key !== '');
      const view = from.get('view');
      const pane = (['keys', 'state', 'problems'] as const).find((one) => one === view);
      this.pane.value = pane ?? 'lines';
      this.side.value = pane ?? 'state';
    });
    if (this.lines.peek() > 0) this.#arrive();
  }

  failed(error: unknown): void {
    if (error instanceof Cancelled) return;
    const text = error instanceof Error ? error.message : String(error);
    if (text === STALE) this.#listener.failed?.(text);
    else tell(`${text}. Press Reload to read it again.`);
  }

  dispose(): void {
    for (const stop of this.#stop) stop();
    this.follower.stop();
    this.search.cancel();
  }

  /** Where a link pointed; it waits until the index has come that far. */
  #wantedLine = 0;

  #wantedTop: number | undefined;

  #arrive(): void {
    const wanted = this.#wantedLine;
    const top = this.#wantedTop;
    const isThere = wanted <= this.lines.peek() && (top ?? 0) <= this.linePosition.last;
    if (wanted === 0 || !(isThere || this.done.peek())) return;
    this.#wantedLine = 0;
    this.go(Math.min(wanted, this.lines.peek()), 'replace', top === undefined);
    if (top !== undefined) this.linePosition.stay(top);
  }

  #indexed({ summary, total, done, memory, rows }: Indexed): void {
    if (rows) this.rows.seed(this.#measured(rows));
    const old = this.summary.peek();
    const before = this.lines.peek();
    const atEnd = this.line.peek() === before;
    const seesEnd = this.seesEnd;
    batch(() => {
      this.summary.value = summary;
      this.total.value = total;
      this.done.value = done;
      this.memory.value = memory;
      if (summary.bytes !== old?.bytes) {
        this.linePosition.rows = this.lines.value;
        // A last line without line feed may have grown, and is another one now.
        this.rows.grown(before);
        this.problems.grown(old?.problems.kept ?? 0);
        this.rows.version.value++;
      }
    });
    this.#newestKeys.run(() => this.#askKeys(summary.keys));
    if (this.#wantedLine > 0) this.#arrive();
    else if (atEnd && before > 0 && this.follower.on.peek()) this.go(this.lines.peek(), 'replace', seesEnd);
    // Opened to see how it ended, unless the reader has gone somewhere already.
    else if (done && this.line.peek() === 0) this.go(this.lines.peek(), 'replace', this.linePosition.top.peek() === 0);
  }

  #measured(rows: Row[]): Row[] {
    this.widest.value = Math.max(this.widest.peek(), ...rows.map(({ text }) => text.length));
    return rows;
  }

  async #askKeys(count: number): Promise<void> {
    try {
      const { keys } = await this.call('keys', { first: 0, count: Math.min(count, 4096), filter: '' });
      this.known.value = new Map(keys.map((key) => [key.key, key]));
      if (!this.#chosePins) this.pinned.value = worthPinning(keys);
    } catch (error) {
      this.failed(error);
    }
  }

  #askState(wanted: Params<'state'>, lines: number): void {
    const { line } = wanted;
    if (lines === 0 || line > lines) return;
    this.#newestState.run(async () => {
      try {
        const [state, rows] = await Promise.all([
          this.call('state', wanted),
          line > 0 ? this.call('rows', { first: line, count: 1 }) : Promise.resolve([]),
        ]);
        batch(() => {
          this.state.value = state;
          this.stateError.value = '';
          this.here.value = rows[0] ?? null;
        });
      } catch (error) {
        if (error instanceof Cancelled) return;
        batch(() => {
          // That of another line would be taken for this one's.
          this.state.value = this.here.value = null;
          this.stateError.value = error instanceof Error ? error.message : String(error);
        });
        if (error instanceof Error && error.message === STALE) this.failed(error);
      }
    });
  }
}

/** Until the reader pins keys: bars of progress, else the first numbers that change. */
function worthPinning(keys: readonly Key[]): string[] {
  const moving = keys.filter((key) => key.numeric && key.min !== key.max && !key.key.endsWith('_time'));
  const bars = moving.filter((key) => isProgress(key.key));
  const others = moving.filter((key) => !isProgress(key.key) && !key.key.endsWith('_id'));
  return [...bars, ...others].slice(0, 3).map((key) => key.key);
}
