// Puts bars into lanes: one group of lanes for each name, and in a group no two bars of a lane
// overlap. The rows are thus as few as tasks ran at once, however many there were.
import type { GanttData } from '../protocol/messages';

export interface Group {
  name: number;
  /** The first lane of the group, counted over all groups. */
  lane: number;
  lanes: number;
  tasks: number;
}

/** The bars of one lane in the order of their starts. */
export interface Lane {
  bars: Uint32Array;
  /** For each bar the latest end of it and all before it: it rises even where a lane is shared. */
  reach: Float64Array;
}

export interface Layout {
  groups: Group[];
  /** The lane of each bar. */
  lane: Uint32Array;
  lanes: number;
  bars: Lane[];
  from: number;
  to: number;
  /** More ran at once than a group has lanes. */
  crowded: boolean;
}

/** A group grows no higher than this; bars beyond it share the last lane. */
export const MOST_LANES = 40;

export function layOut(data: GanttData): Layout {
  const size = data.entry.length;
  const order = Uint32Array.from({ length: size }, (_, bar) => bar).sort(
    (a, b) => (data.start[a] ?? 0) - (data.start[b] ?? 0) || a - b,
  );
  const ends = new Map<number, number[]>();
  const within = new Uint32Array(size);
  const tasks = new Map<number, number>();
  let from = Infinity;
  let to = -Infinity;
  let crowded = false;
  for (const bar of order) {
    const start = data.start[bar] ?? 0;
    const end = endOf(data, bar);
    from = Math.min(from, start);
    to = Math.max(to, end);
    const name = data.name[bar] ?? 0;
    tasks.set(name, (tasks.get(name) ?? 0) + 1);
    const lanes = ends.get(name) ?? [];
    ends.set(name, lanes);
    let lane = lanes.findIndex((free) => free <= start);
    if (lane === -1) {
      crowded ||= lanes.length === MOST_LANES;
      lane = Math.min(lanes.length, MOST_LANES - 1);
    }
    lanes[lane] = Math.max(end, lanes[lane] ?? end);
    within[bar] = lane;
  }
  const groups: Group[] = [];
  const offset = new Map<number, number>();
  let lanes = 0;
  // Names in the order of their first task.
  for (const [name, used] of ends) {
    groups.push({ name, lane: lanes, lanes: used.length, tasks: tasks.get(name) ?? 0 });
    offset.set(name, lanes);
    lanes += used.length;
  }
  const lane = within.map((own, bar) => own + (offset.get(data.name[bar] ?? 0) ?? 0));
  const lists: number[][] = Array.from({ length: lanes }, () => []);
  for (const bar of order) lists[lane[bar] ?? 0]?.push(bar);
  const bars = lists.map((list): Lane => {
    let latest = -Infinity;
    const reach = Float64Array.from(list, (bar) => (latest = Math.max(latest, endOf(data, bar))));
    return { bars: Uint32Array.from(list), reach };
  });
  const span = size === 0 ? { from: 0, to: 1 } : { from, to: Math.max(to, from + 1) };
  return { groups, lane, lanes, bars, ...span, crowded };
}

/** A task that is not over reaches to the latest moment the file knows of. */
export function endOf(data: GanttData, bar: number): number {
  const start = data.start[bar] ?? 0;
  const end = data.end[bar] ?? NaN;
  return Math.max(start, Number.isNaN(end) ? data.now : end);
}

/** The bar of a lane at a time: the one that covers it, or the nearest within `slack` seconds. */
export function barAt(data: GanttData, lane: Lane, time: number, slack: number): number | null {
  const { bars } = lane;
  let best: number | null = null;
  let nearest = slack;
  for (let n = firstEndingAfter(lane, time - slack); n < bars.length; n++) {
    const bar = bars[n] ?? 0;
    const start = data.start[bar] ?? 0;
    if (start > time + slack) break;
    const distance = Math.max(0, start - time, time - endOf(data, bar));
    if (distance <= nearest) {
      best = bar;
      nearest = distance;
    }
  }
  return best;
}

/** The first bar that may reach to a time or beyond. */
export function firstEndingAfter({ reach }: Lane, time: number): number {
  let low = 0;
  let high = reach.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((reach[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
