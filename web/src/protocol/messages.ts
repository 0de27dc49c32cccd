// The one interface between the page and the worker that reads a file.
//
// Every request names an entry of `Calls`; the worker answers each with one result or one error.
// The types hold both sides to the same words.
import type { Info, Key, Pair, Problem, Row, Summary } from './core-types';

export type Core = 'log' | 'history';

export type Opened = {
  name: string;
  bytes: number;
  /** What came with the file and was left alone, in words. */
  left: string;
} & ({ kind: 'log' } | { kind: 'history'; written: number; info: Info });

export interface Series {
  min: Float64Array;
  max: Float64Array;
  /** NaN where nothing was set; infinite where the key has no number from there on. */
  last: Float64Array;
  /** The last number before the range, NaN if none is known. */
  before: number;
  /** True where every point stands for one pixel at most. */
  exact: boolean;
}

/** The part of a state that a page shows: there may be 65,536 pairs of 16 MiB together. */
export interface StateView {
  line: number;
  /** How many pairs there are, and how many of them fit the filter. */
  total: number;
  fitting: number;
  /** The pairs of `first`, as far as they have a value, then the others in their order. */
  pairs: (Pair & { cut: boolean })[];
  /** The keys of `first` that have a value, whether it fits or not, and its start. */
  values: [key: string, start: string][];
  /** How many pairs this very line has replaced or cleared, and the first of them, as they were. */
  changed: number;
  before: Pair[];
}

export interface Found {
  /** Null if no line holds the needle. */
  line: number | null;
  /** True if the search went on at the other end of the file. */
  wrapped: boolean;
}

export type Sort = { column: SortColumn; down: boolean };
export type SortColumn = 'id' | 'name' | 'outcome' | 'start' | 'duration' | 'exit' | 'host' | 'info1' | 'info2' | 'info3';

export interface Query {
  text: string;
  name: string | null;
  /** An outcome, the status of a running task, or one of the groups below. */
  outcome: string | null;
  /** Unix seconds; started at this time or later. */
  since: number | null;
  sort: Sort;
}

/** Instead of an outcome: every task that is not over, or that is and has not succeeded. */
export const NOT_OVER = 'not-over';
export const NOT_SUCCEEDED = 'not-succeeded';

export interface NameFigures {
  name: string;
  tasks: number;
  notSucceeded: number;
  p50: number;
  p95: number;
}

/** How many tasks the filters leave, and how many there are in the file. */
export interface Figure {
  count: number;
  all: number;
}

export interface Figures {
  tasks: Figure;
  /** Running and reserved ones. */
  open: Figure;
  /** Over, and with any outcome but success; lost ones are among them. */
  notSucceeded: Figure;
  lost: Figure;
  /** The most frequent ones, and how many others there are. */
  outcomes: ({ word: string } & Figure)[];
  moreOutcomes: number;
  names: NameFigures[];
  moreNames: number;
}

export interface Queried {
  count: number;
  figures: Figures;
}

/** One line of the history table. `entry` is what `record` and the Gantt know it by. */
export interface TableRow {
  entry: number;
  id: number;
  name: string;
  outcome: string;
  start: number;
  /** Of a running task: until the latest moment the file knows of. NaN where unknown, and of one that has not started. */
  duration: number;
  open: boolean;
  exit: string;
  host: string;
  info1: string;
  info2: string;
  info3: string;
}

export interface GanttData {
  /** How many tasks are left out because they have not started, or have no time that can be drawn. */
  waiting: number;
  timeless: number;
  entry: Uint32Array;
  /** Unix seconds; NaN where unknown. */
  start: Float64Array;
  /** Unix seconds; NaN for a task that is not over. */
  end: Float64Array;
  name: Uint32Array;
  outcome: Uint32Array;
  names: string[];
  outcomes: string[];
  /** For each bar the place of its first point in `points`, and one more at the end. */
  offsets: Uint32Array;
  /** Pairs: unix seconds and the number of a status. */
  points: Float64Array;
  /** The latest moment the file knows of: where bars of running tasks end. */
  now: number;
}

export interface Choices {
  /** Of the columns that many files leave empty, those that hold something. */
  used: SortColumn[];
  /** The most frequent ones, and how many others there are. */
  names: string[];
  moreNames: number;
  outcomes: string[];
  /** The latest moment the file knows of, unix seconds. */
  now: number;
}

export interface Calls {
  open: [{ files: File[] }, Opened];
  grow: [{ file: File }, { change: 'none' | 'grown' | 'replaced' }];
  rows: [{ first: number; count: number }, Row[]];
  keys: [{ first: number; count: number; filter: string }, { total: number; keys: Key[] }];
  sparks: [{ keys: number[]; width: number }, Float64Array];
  problems: [{ first: number; count: number }, Problem[]];
  state: [{ line: number; first: readonly string[]; filter: string; most: number }, StateView];
  stateText: [{ line: number; form: 'json' | 'feedback' }, string];
  series: [{ key: number; first: number; last: number; width: number }, Series];
  search: [{ needle: string; ignoreCase: boolean; from: number; backward: boolean }, Found];
  choices: [Record<string, never>, Choices];
  query: [Query, Queried];
  table: [{ first: number; count: number }, TableRow[]];
  find: [{ task: string }, number];
  record: [{ entry: number }, string];
  gantt: [{ limit: number }, GanttData];
  csv: [Record<string, never>, Blob];
}

export type CallName = keyof Calls;
export type Params<N extends CallName> = Calls[N][0];
export type Result<N extends CallName> = Calls[N][1];

export type ToWorker =
  | { type: 'core'; core: Core; bytes: ArrayBuffer }
  | { type: 'call'; id: number; name: CallName; params: unknown }
  | { type: 'cancel'; id: number };

export type FromWorker =
  | { type: 'need'; core: Core }
  | { type: 'indexed'; summary: Summary; total: number; done: boolean; memory: number; rows?: Row[] }
  | { type: 'loaded'; rows: number; total: number; done: boolean }
  | { type: 'progress'; id: number; part: number }
  | { type: 'result'; id: number; value: unknown }
  | { type: 'error'; id: number; message: string; cancelled: boolean }
  /** Reading stopped on its own; what was read so far stays good. */
  | { type: 'failed'; message: string }
  /** Nothing of this worker is good any more. */
  | { type: 'crash'; message: string };

/** What a browser means by a file that it cannot read any more. */
export const STALE = 'the file has changed since it was opened';
