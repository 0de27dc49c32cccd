// One database or export: its finished tasks as columns, its running tasks as records, and one
// numbering over both. Entries below the number of running tasks are those; the rest are finished.
import { History } from '../../../wasm/pkg/history/history.js';
import type { Info } from '../protocol/core-types';
import type { Choices, FromWorker, GanttData, Queried, Query, SortColumn, TableRow } from '../protocol/messages';
import { csvLine } from '../text/csv';
import { shellLine } from '../history/shell-line';
import { asTree, member, type Node, parseJson, plain, writeJson } from '../text/json';
import { isoTime } from '../text/time';
import { isFatal } from './core';
import { ganttOf, taskTimeline } from './gantt-data';
import { type Columns, FAR, figuresOf, joined, select, sortEntries, type Words, wordsOf } from './history-query';
import { signalName } from '../text/signal';
import type { Context } from './main';
import type { Found as Sniffed } from './sniff';
import { SyncSlices } from './slices';

const PAGE = 4096;
const CSV_PAGE = 1000;
const MOST_CHOICES = 500;

type Post = (message: FromWorker) => void;
type Source = Exclude<Sniffed, { kind: 'log' }>;

export class HistoryFile {
  readonly info: Info;
  #running: Node[];
  #feedbacks: Map<string, Node>;
  #columns: Columns | null = null;
  #order: Uint32Array = new Uint32Array(0);

  private constructor(
    readonly history: History,
    readonly modified: number,
    readonly post: Post,
    readonly files: readonly SyncSlices[] = [],
  ) {
    this.info = JSON.parse(history.info()) as Info;
    const document = parseJson(reading(files, () => history.tasks()));
    this.#running = items(member(document, 'tasks'));
    const pairs = items(member(document, 'feedbacks')).map((row): [string, Node] => [plain(member(row, 'id')), row]);
    this.#feedbacks = new Map(pairs);
  }

  static async open(source: Source, post: Post): Promise<HistoryFile> {
    // What is written last goes to the -wal first.
    const wal = source.kind === 'database' ? source.wal : null;
    const modified = Math.max(source.file.lastModified, wal?.lastModified ?? 0) / 1000;
    if (source.kind === 'export') {
      const bytes = new Uint8Array(await source.file.arrayBuffer());
      return new HistoryFile(History.parse(bytes), modified, post);
    }
    const files = (wal ? [source.file, wal] : [source.file]).map((file) => new SyncSlices(file));
    const read = (file: 0 | 1, offset: number, length: number): Uint8Array =>
      files[file]?.read(offset, length) ?? new Uint8Array(0);
    const history = reading(files, () => History.open(read, source.file.size, wal?.size));
    return new HistoryFile(history, modified, post, files);
  }

  /** Reads the finished tasks page by page, and lets calls in between. */
  async load(): Promise<void> {
    const total = this.info.history;
    let loaded = 0;
    let told = performance.now();
    try {
      while (loaded < total) {
        const before = loaded;
        loaded = reading(this.files, () => this.history.load(PAGE));
        if (loaded === before) break;
        if (performance.now() - told > 100 && loaded < total) {
          told = performance.now();
          this.post({ type: 'loaded', rows: loaded, total, done: false });
        }
        await nextTask();
      }
    } catch (error) {
      if (isFatal(error)) throw error;
      // What was read is good, with the first rows of the page that failed.
      this.#loaded(this.history.numbers('id').length);
      throw error;
    }
    this.#loaded(loaded);
  }

  #loaded(rows: number): void {
    this.#columns = null;
    this.post({ type: 'loaded', rows, total: this.info.history, done: true });
  }

  #all(): Columns {
    this.#columns ??= columnsOf(this.history, this.#running, this.modified);
    return this.#columns;
  }

  choices(): Choices {
    const { names, outcomes, hosts: host, info1, info2, info3 } = this.#all();
    const optional = Object.entries({ host, info1, info2, info3 }) as [SortColumn, Words][];
    const used = optional.filter(([, { words }]) => words.some((word) => word !== '')).map(([column]) => column);
    // The most frequent ones: a list to choose from is no place for a hundred thousand words.
    const common = ({ words, codes }: Words): string[] => {
      const uses = new Uint32Array(words.length);
      for (const code of codes) uses[code] = (uses[code] ?? 0) + 1;
      const found = words.map((word, code) => ({ word, uses: uses[code] ?? 0 })).filter(({ word }) => word !== '');
      found.sort((a, b) => b.uses - a.uses);
      return found.slice(0, MOST_CHOICES).map(({ word }) => word).sort((a, b) => a.localeCompare(b));
    };
    const moreNames = Math.max(0, names.words.filter((word) => word !== '').length - MOST_CHOICES);
    return { used, names: common(names), moreNames, outcomes: common(outcomes), now: this.#all().now };
  }

  query(query: Query): Queried {
    const columns = this.#all();
    const found = select(columns, query);
    const figures = figuresOf(columns, found);
    this.#order = sortEntries(columns, found, query.sort);
    return { count: found.length, figures };
  }

  table(first: number, count: number): TableRow[] {
    const c = this.#all();
    const row = (entry: number): TableRow => ({
      entry,
      id: c.id[entry] ?? NaN,
      name: wordsOf(c.names, entry),
      outcome: wordsOf(c.outcomes, entry),
      start: c.start[entry] ?? NaN,
      duration: c.duration[entry] ?? NaN,
      open: entry < c.running,
      exit: signalName(wordsOf(c.signals, entry)) || (Number.isNaN(c.exit[entry] ?? NaN) ? '' : String(c.exit[entry])),
      host: wordsOf(c.hosts, entry),
      info1: wordsOf(c.info1, entry),
      info2: wordsOf(c.info2, entry),
      info3: wordsOf(c.info3, entry),
    });
    return Array.from(this.#order.subarray(first, first + count), row);
  }

  /**
   * The entry that an address speaks of, -1 if there is none: `taskid` of a running task, `taskid.row`
   * of a finished one. The row tells apart what has the same id, and a task may have ended since.
   */
  find(task: string): number {
    const [taskid = NaN, row] = task.split('.').map((part) => (part === '' ? NaN : Number(part)));
    const { id, running } = this.#all();
    const rows = this.history.numbers('id');
    const at = row === undefined ? -1 : rows.indexOf(row);
    if (at >= 0 && Object.is(id[running + at], taskid)) return running + at;
    const alive = id.indexOf(taskid);
    return alive >= 0 && alive < running ? alive : id.lastIndexOf(taskid);
  }

  record(entry: number): string {
    const c = this.#all();
    const running = this.#running[entry];
    if (!running) return writeJson(this.#finished(entry - this.#running.length, 1)[0] ?? { kind: 'object', members: [] });
    if (running.kind !== 'object') return '{}';
    const feedback = this.#feedbacks.get(plain(member(running, 'taskid')));
    const values = feedback && member(feedback, 'feedback');
    const members = running.members.filter(([key]) => key !== 'duration' && !(key === 'feedback' && values));
    // What is stored is from its last change; the table knows better.
    const duration = c.duration[entry] ?? NaN;
    if (!Number.isNaN(duration)) members.push(['duration', { kind: 'number', text: String(duration) }]);
    if (values) members.push(['feedback', values]);
    return writeJson({ kind: 'object', members });
  }

  #finished(first: number, count: number): Node[] {
    return items(member(parseJson(reading(this.files, () => this.history.rows(first, count))), 'history'));
  }

  gantt(limit: number): GanttData {
    return ganttOf(this.#all(), this.#order, limit, this.#running, this.history);
  }

  /**
   * The table as it stands, with what the details show. Records are read by pages of neighbours,
   * whatever the order of the table: one by one they would cost a query each.
   */
  async csv({ signal, progress }: Context): Promise<Blob> {
    const order = this.#order;
    const running = this.#running.length;
    const lines = new Array<string>(order.length);
    const pages = new Map<number, number[]>();
    order.forEach((entry, place) => {
      if (entry < running) lines[place] = csvRow(parseJson(this.record(entry)));
      else {
        const page = Math.floor((entry - running) / CSV_PAGE);
        const places = pages.get(page);
        if (places) places.push(place);
        else pages.set(page, [place]);
      }
    });
    let done = 0;
    for (const [page, places] of pages) {
      const first = page * CSV_PAGE;
      const records = this.#finished(first, CSV_PAGE);
      for (const place of places) {
        const record = records[(order[place] ?? 0) - running - first];
        if (record) lines[place] = csvRow(record);
      }
      progress(++done / pages.size);
      await nextTask();
      signal.throwIfAborted();
    }
    return new Blob(['\ufeff', csvLine(CSV_COLUMNS.map(([title]) => title)), ...lines], { type: 'text/csv;charset=utf-8' });
  }
}

/** SQLite says only that it could not read; why, the browser has said. */
function reading<T>(files: readonly SyncSlices[], act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw files.find(({ failure }) => failure !== null)?.failure ?? error;
  }
}

const field = (...names: string[]) => (record: Node): string => {
  for (const name of names) {
    const text = plain(member(record, name));
    if (text !== '') return text;
  }
  return '';
};
const time = (name: string) => (record: Node): string => {
  const text = plain(member(record, name));
  return text === '' ? '' : isoTime(Number(text)) || text;
};
const duration = (record: Node): string => {
  const exact = field('elapsed_ms')(record);
  return exact === '' ? field('duration')(record) : String(Number(exact) / 1000);
};
/** On one line; that a task may give feedback is none. */
const feedback = (record: Node): string => {
  const values = member(record, 'feedback');
  return values?.kind === 'object' ? writeJson(values).replace(/\n */g, ' ') : '';
};

const CSV_COLUMNS: [string, (record: Node) => string][] = [
  ['taskid', field('taskid')],
  ['name', field('taskname', 'name')],
  ['outcome', field('outcome', 'status')],
  ['exitcode', field('exitcode')],
  ['termsignal', field('termsignal')],
  ['termerror', field('termerror')],
  ['start', time('starttime')],
  ['end', time('endtime')],
  ['duration_s', duration],
  ['host', field('host')],
  ['info1', field('info1')],
  ['info2', field('info2')],
  ['info3', field('info3')],
  ['command', (record) => commandLine(field('command')(record))],
  ['feedback', feedback],
];

function csvRow(record: Node): string {
  return csvLine(CSV_COLUMNS.map(([, cell]) => cell(record)));
}

export function columnsOf(history: Pick<History, 'numbers' | 'codes' | 'words'>, running: Node[], modified: number): Columns {
  const offset = running.length;
  const of = (...names: string[]) => running.map((task) => field(...names)(task));
  const numbers = (column: Parameters<History['numbers']>[0], ...names: string[]): Float64Array => {
    const finished = history.numbers(column);
    const all = new Float64Array(offset + finished.length).fill(NaN);
    if (names.length > 0) of(...names).forEach((text, n) => (all[n] = text === '' ? NaN : Number(text)));
    all.set(finished, offset);
    return all;
  };
  const words = (column: Parameters<History['words']>[0], ofRunning = '', absent = ''): Words =>
    joined(JSON.parse(history.words(column)) as (string | null)[], history.codes(column), of(ofRunning), absent);
  // A reserved task has its place in the order of starts, but no duration: it has not started.
  const start = numbers('starttime', 'starttime', 'reservetime');
  const reserved = of('starttime').map((text) => text === '');
  const end = numbers('endtime');
  const duration = numbers('duration');
  const elapsed = numbers('elapsed_ms');
  // The file's date is no bound: every copy changes it. It stands in where the data name no time at all.
  let now = -Infinity;
  const beats = of('lastupdate').map(Number);
  for (const times of [start, end, beats, ...running.map(taskTimeline)]) for (const time of times) if (time > now && time < FAR) now = time;
  if (now === -Infinity) now = modified;
  for (let n = 0; n < duration.length; n++) {
    const exact = elapsed[n] ?? NaN;
    if (!Number.isNaN(exact)) duration[n] = exact / 1000;
    else if (n < offset) duration[n] = reserved[n] ? NaN : Math.max(0, now - (start[n] ?? NaN));
  }
  const commands = words('command', 'command');
  let lines: Words | null = null;
  return {
    running: offset,
    now,
    id: numbers('taskid', 'taskid'),
    start,
    end,
    duration,
    exit: numbers('exitcode'),
    names: words('taskname', 'name'),
    outcomes: words('outcome', 'status', 'unknown'),
    hosts: words('host', 'host'),
    signals: words('termsignal'),
    reasons: words('termerror'),
    // Each task may have its own, and only a search needs them.
    get commands() {
      return (lines ??= { words: commands.words.map(commandLine), codes: commands.codes });
    },
    info1: words('info1', 'info1'),
    info2: words('info2', 'info2'),
    info3: words('info3', 'info3'),
  };
}

/** The JSON of a command as one would type it; what is none stays as it is. */
function commandLine(json: string): string {
  const node = asTree(json);
  return node?.kind === 'array' ? shellLine(node.items.map(plain)) : json;
}

function items(node: Node | null): Node[] {
  return node?.kind === 'array' ? node.items : [];
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
