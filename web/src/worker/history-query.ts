// Filtering, sorting and counting over columns: pure, and quick for hundreds of thousands of rows.
import { type Figures, type NameFigures, NOT_OVER, NOT_SUCCEEDED, type Query, type Sort, type SortColumn } from '../protocol/messages';

/** Words by code: each distinct word once. */
export interface Words {
  words: string[];
  codes: Uint32Array;
}

export interface Columns {
  /** How many entries at the front are running tasks. */
  running: number;
  /** The latest moment the file knows of, unix seconds: until then running tasks have run. */
  now: number;
  id: Float64Array;
  start: Float64Array;
  end: Float64Array;
  duration: Float64Array;
  exit: Float64Array;
  names: Words;
  outcomes: Words;
  hosts: Words;
  signals: Words;
  /** Why a task did not succeed. */
  reasons: Words;
  /** As one would type them. */
  commands: Words;
  info1: Words;
  info2: Words;
  info3: Words;
}

/** Unix seconds; some year beyond 5000. What is further away is no time. */
export const FAR = 1e11;
/** Names beyond this many are left out of the summary; the rarest go. */
const MOST_NAMES = 200;
/** Nor does a summary list more outcomes than there are words for, some more for odd databases. */
const MOST_OUTCOMES = 24;

export function wordsOf({ words, codes }: Words, entry: number): string {
  return words[codes[entry] ?? -1] ?? '';
}

/** The words of running tasks and then of finished ones, each once; an empty one is an absent one. */
export function joined(list: readonly (string | null)[], finished: Uint32Array, running: readonly string[], absent = ''): Words {
  const words: string[] = [];
  const known = new Map<string, number>();
  const codeOf = (word: string | null): number => {
    const found = known.get(word || absent);
    if (found !== undefined) return found;
    known.set(word || absent, words.length);
    return words.push(word || absent) - 1;
  };
  const own = list.map(codeOf);
  const codes = new Uint32Array(running.length + finished.length);
  codes.set(running.map(codeOf));
  finished.forEach((code, n) => (codes[running.length + n] = own[code] ?? 0));
  return { words, codes };
}

/** Databases of 1.7 do not know how a task ended. */
const isBad = (outcome: string): boolean => outcome !== 'succeeded' && outcome !== 'unknown';

/** Whether an entry has an outcome, or belongs to a group of them. */
function outcomeTest(c: Columns, wanted: string): (entry: number) => boolean {
  if (wanted === NOT_OVER) return (entry) => entry < c.running;
  const first = wanted === NOT_SUCCEEDED ? c.running : 0;
  const fits = c.outcomes.words.map((word) => word === wanted || (wanted === NOT_SUCCEEDED && isBad(word)));
  return (entry) => entry >= first && fits[c.outcomes.codes[entry] ?? -1] === true;
}

/** The entries that pass every filter, in their own order. */
export function select(c: Columns, query: Query): Uint32Array {
  const size = c.id.length;
  const found = new Uint32Array(size);
  let count = 0;
  const name = query.name === null ? -1 : c.names.words.indexOf(query.name);
  const hasOutcome = query.outcome === null ? null : outcomeTest(c, query.outcome);
  const text = query.text.trim().toLowerCase();
  // A word is compared once, however many rows have it.
  const all = [c.names, c.hosts, c.signals, c.reasons, c.commands, c.outcomes, c.info1, c.info2, c.info3];
  const searched = text === '' ? [] : all.map(({ words, codes }) => ({ codes, hit: words.map((word) => word.toLowerCase().includes(text)) }));
  for (let entry = 0; entry < size; entry++) {
    if (query.name !== null && c.names.codes[entry] !== name) continue;
    if (hasOutcome && !hasOutcome(entry)) continue;
    if (query.since !== null && !((c.start[entry] ?? NaN) >= query.since)) continue;
    if (text !== '') {
      const hit = searched.some(({ codes, hit }) => hit[codes[entry] ?? -1]) || String(c.id[entry]) === text;
      if (!hit) continue;
    }
    found[count++] = entry;
  }
  return found.slice(0, count);
}

/** A sorted copy; of equal entries the newest stand first: by their starts, then by their ids. */
export function sortEntries(c: Columns, entries: Uint32Array, sort: Sort): Uint32Array {
  const keys = sortKeys(c, sort.column);
  const sign = sort.down ? -1 : 1;
  const newest = c.start;
  return entries.slice().sort((a, b) => {
    const x = keys[a] ?? NaN;
    const y = keys[b] ?? NaN;
    // What is absent stands last, whatever the direction.
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) {
      if (Number.isNaN(x)) return 1;
      if (Number.isNaN(y)) return -1;
      return x < y ? -sign : sign;
    }
    return (newest[b] ?? 0) - (newest[a] ?? 0) || (c.id[b] ?? 0) - (c.id[a] ?? 0) || b - a;
  });
}

function sortKeys(c: Columns, column: SortColumn): Float64Array {
  switch (column) {
    case 'id':
      return c.id;
    case 'start':
      return c.start;
    case 'duration':
      return c.duration;
    case 'exit':
      return exitKeys(c);
    case 'name':
      return ranks(c.names);
    case 'outcome':
      return ranks(c.outcomes);
    case 'host':
      return ranks(c.hosts);
    default:
      return ranks(c[column]);
  }
}

/** Exit codes by number, then signals by name. */
function exitKeys(c: Columns): Float64Array {
  const signals = ranks(c.signals);
  return c.exit.map((code, entry) => (Number.isNaN(code) ? 1e6 + (signals[entry] ?? NaN) : code));
}

const collator = new Intl.Collator(undefined, { numeric: true });

function ranks({ words, codes }: Words): Float64Array {
  const sorted = words.map((_, code) => code).sort((a, b) => collator.compare(words[a] ?? '', words[b] ?? ''));
  const rank = new Float64Array(words.length);
  sorted.forEach((code, place) => (rank[code] = words[code] === '' ? NaN : place));
  return Float64Array.from(codes, (code) => rank[code] ?? NaN);
}

export function figuresOf(c: Columns, entries: Uint32Array): Figures {
  const outcomes = new Float64Array(c.outcomes.words.length);
  const tasks = new Uint32Array(c.names.words.length);
  const bad = new Uint32Array(c.names.words.length);
  const isBadCode = c.outcomes.words.map(isBad);
  let open = 0;
  for (const entry of entries) {
    const outcome = c.outcomes.codes[entry] ?? 0;
    const name = c.names.codes[entry] ?? 0;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    tasks[name] = (tasks[name] ?? 0) + 1;
    if (entry < c.running) open++;
    else if (isBadCode[outcome]) bad[name] = (bad[name] ?? 0) + 1;
  }
  const spans = durationsByName(c, entries, tasks);
  const used = [...tasks.keys()].filter((name) => (tasks[name] ?? 0) > 0);
  const names = used
    .sort((a, b) => (tasks[b] ?? 0) - (tasks[a] ?? 0))
    .slice(0, MOST_NAMES)
    .map((name): NameFigures => {
      const sorted = spans(name);
      return {
        name: c.names.words[name] ?? '',
        tasks: tasks[name] ?? 0,
        notSucceeded: bad[name] ?? 0,
        p50: quantile(sorted, 0.5),
        p95: quantile(sorted, 0.95),
      };
    });
  // In the order of the whole file and with those that the filters leave none of: what is clicked stays.
  const all = new Float64Array(c.outcomes.words.length);
  let allBad = 0;
  c.outcomes.codes.forEach((code, entry) => {
    all[code] = (all[code] ?? 0) + 1;
    if (entry >= c.running && isBadCode[code]) allBad++;
  });
  const counted = c.outcomes.words.map((word, code) => ({ word, count: outcomes[code] ?? 0, all: all[code] ?? 0 })).sort((a, b) => b.all - a.all);
  const lost = counted.find(({ word }) => word === 'lost');
  return {
    tasks: { count: entries.length, all: c.id.length },
    open: { count: open, all: c.running },
    notSucceeded: { count: bad.reduce((sum, size) => sum + size, 0), all: allBad },
    lost: { count: lost?.count ?? 0, all: lost?.all ?? 0 },
    outcomes: counted.slice(0, MOST_OUTCOMES),
    moreOutcomes: Math.max(0, counted.length - MOST_OUTCOMES),
    names,
    moreNames: used.length - names.length,
  };
}

/** The durations of finished tasks, laid out by name in one array, each part sorted when asked for. */
function durationsByName(c: Columns, entries: Uint32Array, tasks: Uint32Array): (name: number) => Float64Array {
  const starts = new Uint32Array(tasks.length + 1);
  for (let n = 0; n < tasks.length; n++) starts[n + 1] = (starts[n] ?? 0) + (tasks[n] ?? 0);
  const ends = starts.slice();
  const all = new Float64Array(entries.length);
  for (const entry of entries) {
    const duration = c.duration[entry] ?? NaN;
    if (entry < c.running || Number.isNaN(duration)) continue;
    const name = c.names.codes[entry] ?? 0;
    const place = ends[name] ?? 0;
    all[place] = duration;
    ends[name] = place + 1;
  }
  return (name) => all.subarray(starts[name], ends[name]).sort();
}

/** The nearest rank in sorted numbers; NaN of none. */
export function quantile(sorted: Float64Array, part: number): number {
  if (sorted.length === 0) return NaN;
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}
