// What the core says, as data. These types follow the README of the wasm package.

export interface ProblemKind {
  code: string;
  message: string;
  count: number;
}

export interface Summary {
  bytes: number;
  lines: number;
  unfinished: number;
  finished: boolean;
  counts: {
    sets: number;
    clears: number;
    clearAlls: number;
    comments: number;
    blanks: number;
    malformed: number;
    refused: number;
  };
  keys: number;
  untracked: number;
  live: number;
  problems: { total: number; kept: number; kinds: ProblemKind[] };
}

export interface Key {
  id: number;
  key: string;
  first: number;
  last: number;
  sets: number;
  numbers: number;
  numeric: boolean;
  min: number | null;
  max: number | null;
  value: string | null;
  cut: boolean;
}

export interface Problem {
  line: number;
  column: number;
  offset: number;
  code: string;
  message: string;
}

export interface Pair {
  key: string;
  value: string;
  /** Where it was set last, 0 if unknown. */
  line: number;
}

export interface State {
  line: number;
  pairs: Pair[];
  /** What this very line has replaced or cleared, as it was. */
  before: Pair[];
}

export type LineKind = 'set' | 'clear' | 'clear-all' | 'comment' | 'blank' | 'malformed' | 'refused';

export interface Row {
  line: number;
  kind: LineKind;
  key: [number, number] | null;
  problem: string | null;
  text: string;
  cut: boolean;
  unfinished: boolean;
}

export interface Info {
  source: 'database' | 'export';
  version: number | null;
  tasks: number;
  history: number;
  feedbacks: number;
  note: string | null;
}
