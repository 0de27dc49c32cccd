// The bars of a Gantt chart: when each task ran and what its status was along the way.
import type { GanttData } from '../protocol/messages';
import { member, type Node, plain } from '../text/json';
import { type Columns, FAR } from './history-query';

const PAGE = 4096;
const STATUSES = ['RESERVED', 'RUNNING', 'SILENT', 'STALLED'];

interface Timelines {
  timelines(first: number, count: number): Float64Array;
}

/** The first `limit` entries of `order` that have started. */
export function ganttOf(c: Columns, order: Uint32Array, limit: number, running: Node[], history: Timelines): GanttData {
  // One row that claims to be of the year 300,000 must not squeeze all others into a pixel.
  const started = (at: number): boolean => at >= c.running || !Number.isNaN(c.duration[at] ?? NaN);
  const ready = order.filter(started);
  const timed = ready.filter((at) => Math.abs(c.start[at] ?? NaN) < FAR);
  const entry = timed.slice(0, limit);
  const lines = finishedTimelines(entry, c, history);
  const offsets = new Uint32Array(entry.length + 1);
  const points: number[] = [];
  const spans: { start: number; end: number }[] = [];
  entry.forEach((at, n) => {
    const task = running[at];
    const own = task ? taskTimeline(task) : (lines.get(at - c.running) ?? []);
    for (const point of own) points.push(point);
    offsets[n + 1] = points.length / 2;
    spans.push(spanOf(c, at, own[0]));
  });
  return {
    waiting: order.length - ready.length,
    timeless: ready.length - timed.length,
    entry,
    start: Float64Array.from(spans, ({ start }) => start),
    end: Float64Array.from(spans, ({ end }) => end),
    name: Uint32Array.from(entry, (at) => c.names.codes[at] ?? 0),
    outcome: Uint32Array.from(entry, (at) => c.outcomes.codes[at] ?? 0),
    names: c.names.words,
    outcomes: c.outcomes.words,
    offsets,
    points: Float64Array.from(points),
    now: c.now,
  };
}

/**
 * To the millisecond where the file knows it. The start column holds whole seconds, and the first change of
 * status within that second is the exact start. The end follows from the measured duration, so that a bar is as
 * long as the table says; dates differ from it where the clock was set meanwhile.
 */
function spanOf(c: Columns, at: number, first = NaN): { start: number; end: number } {
  const second = c.start[at] ?? NaN;
  const start = first >= second && first < second + 1 ? first : second;
  const duration = c.duration[at] ?? NaN;
  const end = at >= c.running && Math.abs(duration) < FAR ? start + duration : endOf(c, at);
  return { start, end };
}

/** NaN only for tasks that still run: a finished one whose end is unknown or absurd is a point. */
function endOf(c: Columns, at: number): number {
  const end = c.end[at] ?? NaN;
  if (Math.abs(end) < FAR) return end;
  return at < c.running ? NaN : (c.start[at] ?? NaN);
}

/** Timelines come in pages of neighbours; only pages that hold a wanted row are asked for. */
function finishedTimelines(entries: Uint32Array, c: Columns, history: Timelines): Map<number, number[]> {
  const wanted = new Set<number>();
  for (const at of entries) if (at >= c.running) wanted.add(at - c.running);
  const pages = new Set([...wanted].map((row) => Math.floor(row / PAGE)));
  const rows = c.id.length - c.running;
  const found = new Map<number, number[]>();
  for (const page of pages) {
    const first = page * PAGE;
    const count = Math.min(PAGE, rows - first);
    const packed = history.timelines(first, count);
    let at = 0;
    for (let row = first; row < first + count; row++) {
      const length = packed[at++] ?? 0;
      if (wanted.has(row) && length > 0) {
        found.set(row, Array.from(packed.subarray(at, at + 2 * length), (value, n) => (n % 2 === 0 ? value / 1000 : value)));
      }
      at += 2 * length;
    }
  }
  return found;
}

export function taskTimeline(task: Node): number[] {
  const timeline = member(task, 'timeline');
  if (timeline?.kind !== 'array') return [];
  return timeline.items.flatMap((point) => {
    if (point.kind !== 'array') return [];
    const at = Number(plain(point.items[0] ?? null)) / 1000;
    const status = STATUSES.indexOf(plain(point.items[1] ?? null));
    return Number.isFinite(at) ? [at, status === -1 ? STATUSES.length : status] : [];
  });
}
