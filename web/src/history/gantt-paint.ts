// Paints the timeline. Bars of one colour are filled together, and bars narrower than a pixel that
// fall on the same pixel are painted once: the work is bounded by the pixels, not by the tasks.
import { colour } from '../app/theme';
import type { GanttData } from '../protocol/messages';
import { axisStart, timeTicks } from '../text/time';
import { clip, visible } from '../text/visible';
import { endOf, firstEndingAfter, type Layout } from './gantt-layout';
import type { Window } from './gantt-scale';

export const LANE = 14;
export const HEAD = 22;
export const AXIS = 24;
const BAR = 10;
/** The width of the scroll bar. */
export const THUMB = 8;

/** The colour of a status by its number, as the core counts them. */
export const STATUSES = ['reserved', 'running', 'silent', 'stalled', 'unknown'];

export interface Paint {
  data: GanttData;
  layout: Layout;
  window: Window;
  scroll: number;
  selected: number | null;
  width: number;
  height: number;
}

/** Where a lane stands below the axis, before scrolling: each group has a heading above it. */
export function laneTop(layout: Layout, lane: number): number {
  let groups = 0;
  for (const group of layout.groups) {
    if (group.lane > lane) break;
    groups++;
  }
  return lane * LANE + groups * HEAD;
}

/** How far lanes can be scrolled in a picture of a height. */
export function mostScroll(layout: Layout, height: number): number {
  return Math.max(0, contentHeight(layout) - (height - AXIS));
}

function contentHeight(layout: Layout): number {
  return layout.lanes * LANE + layout.groups.length * HEAD + 8;
}

/** The scroll bar, if there is more than fits: how many lanes' pixels one of its own stands for. */
export function thumbOf(layout: Layout, scroll: number, height: number): { top: number; size: number; ratio: number } | null {
  const most = mostScroll(layout, height);
  const room = height - AXIS;
  if (most === 0 || room <= 0) return null;
  const size = Math.max(24, (room * room) / (room + most));
  const ratio = most / (room - size);
  return { top: AXIS + scroll / ratio, size, ratio };
}

export function paint(context: CanvasRenderingContext2D, what: Paint): void {
  const { width, height, layout } = what;
  context.clearRect(0, 0, width, height);
  const fills = new Map<string, number[]>();
  const add = (name: string, x: number, y: number, w: number, h: number): void => {
    const list = fills.get(name);
    if (list) list.push(x, y, w, h);
    else fills.set(name, [x, y, w, h]);
  };
  paintGrid(context, what);
  let groups = 0;
  let selection: [number, number, number] | null = null;
  for (const group of layout.groups) {
    groups++;
    const top = AXIS + group.lane * LANE + groups * HEAD - what.scroll;
    if (top > height || top + group.lanes * LANE < AXIS) continue;
    for (let n = 0; n < group.lanes; n++) {
      const y = top + n * LANE;
      if (y > height || y + LANE < AXIS) continue;
      const found = addLane(what, group.lane + n, y, add);
      selection ??= found;
    }
  }
  for (const [name, list] of fills) {
    context.fillStyle = colour(name);
    for (let n = 0; n < list.length; n += 4) {
      context.fillRect(list[n] ?? 0, list[n + 1] ?? 0, list[n + 2] ?? 0, list[n + 3] ?? 0);
    }
  }
  if (selection) {
    const [x, y, w] = selection;
    context.strokeStyle = colour('text');
    context.lineWidth = 2;
    context.strokeRect(x - 2, y - 2, w + 4, BAR + 4);
  }
  paintHeadings(context, what);
  paintAxis(context, what);
  const thumb = thumbOf(layout, what.scroll, height);
  if (!thumb) return;
  context.fillStyle = colour('line-strong');
  context.fillRect(width - THUMB, thumb.top + 2, THUMB - 2, thumb.size - 4);
}

type Add = (name: string, x: number, y: number, w: number, h: number) => void;

/** Returns where the selected bar stands, if it is in this lane. */
function addLane(what: Paint, lane: number, y: number, add: Add): [number, number, number] | null {
  const { data, layout, window, width, selected } = what;
  const found = layout.bars[lane];
  if (!found) return null;
  const { bars } = found;
  const scale = width / (window.to - window.from);
  let selection: [number, number, number] | null = null;
  let painted = -1;
  for (let n = firstEndingAfter(found, window.from); n < bars.length; n++) {
    const bar = bars[n] ?? 0;
    const start = data.start[bar] ?? 0;
    if (start > window.to) break;
    const end = endOf(data, bar);
    const x = (start - window.from) * scale;
    const right = (end - window.from) * scale;
    const outcome = colourOf(data, bar);
    if (data.entry[bar] === selected) selection = [x, y, Math.max(2, right - x)];
    // What is under a pixel wide is one mark; the next on the same pixel would not be seen.
    if (right - x < 1.5) {
      const pixel = Math.floor(x);
      if (pixel === painted && outcome === 'succeeded') continue;
      painted = pixel;
      add(outcome, pixel, y, 1.5, BAR);
      continue;
    }
    addBar(data, bar, Math.max(-4, x), Math.min(width + 4, right), y, window, scale, add, outcome);
  }
  return selection;
}

/** A bar is its timeline of statuses over a foot in the colour of its outcome. */
function addBar(data: GanttData, bar: number, x: number, right: number, y: number, window: Window, scale: number, add: Add, outcome: string): void {
  const first = data.offsets[bar] ?? 0;
  const last = data.offsets[bar + 1] ?? first;
  const open = Number.isNaN(data.end[bar] ?? NaN);
  if (first === last) add(outcome, x, y, right - x, BAR);
  else {
    for (let point = first; point < last; point++) {
      const at = (data.points[2 * point] ?? 0) - window.from;
      const next = point + 1 < last ? (data.points[2 * point + 2] ?? 0) - window.from : Infinity;
      const from = point === first ? x : Math.max(x, at * scale);
      const to = Math.min(right, next * scale);
      if (to > from) add(STATUSES[data.points[2 * point + 1] ?? 4] ?? 'unknown', from, y, to - from, open ? BAR : BAR - 4);
    }
    if (!open) add(outcome, x, y + BAR - 4, right - x, 4);
  }
  if (open) {
    // An open end: broken off in steps, as it is not known where it will be.
    for (let step = 0; step < 3; step++) add('panel', right - 2 - step * 4, y, 2, BAR);
  }
}

function colourOf(data: GanttData, bar: number): string {
  const word = data.outcomes[data.outcome[bar] ?? 0] ?? 'unknown';
  return outcomeColour(word);
}

export const OUTCOMES = ['succeeded', 'failed', 'signalled', 'timeout', 'killed', 'lost', 'not-started', 'unknown'];

export function outcomeColour(word: string): string {
  const name = word.toLowerCase().replace('_', '-');
  return OUTCOMES.includes(name) || STATUSES.includes(name) ? name : 'unknown';
}

function paintGrid(context: CanvasRenderingContext2D, { window, width, height }: Paint): void {
  context.fillStyle = colour('line');
  const scale = width / (window.to - window.from);
  for (const { at } of timeTicks(window.from, window.to, Math.max(2, width / 90))) {
    context.fillRect(Math.round((at - window.from) * scale), AXIS, 1, height - AXIS);
  }
}

function paintAxis(context: CanvasRenderingContext2D, { window, width }: Paint): void {
  context.fillStyle = colour('panel');
  context.fillRect(0, 0, width, AXIS);
  context.fillStyle = colour('line');
  context.fillRect(0, AXIS - 1, width, 1);
  context.fillStyle = colour('text-dim');
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const scale = width / (window.to - window.from);
  const ticks = timeTicks(window.from, window.to, Math.max(2, width / 90));
  const start = axisStart(window.from, ticks);
  const taken = start === '' ? -Infinity : context.measureText(start).width + 12;
  for (const { at, label } of ticks) {
    const x = Math.round((at - window.from) * scale) + 4;
    // Half a label says the wrong time.
    if (x > taken && x + context.measureText(label).width <= width) context.fillText(label, x, AXIS / 2);
  }
  context.fillStyle = colour('text');
  context.fillText(start, 6, AXIS / 2);
}

function paintHeadings(context: CanvasRenderingContext2D, { layout, data, scroll, height, width }: Paint): void {
  context.textBaseline = 'middle';
  let groups = 0;
  for (const group of layout.groups) {
    const top = AXIS + group.lane * LANE + groups * HEAD - scroll;
    groups++;
    if (top > height || top < AXIS - HEAD) continue;
    context.fillStyle = colour('line');
    context.fillRect(0, top, width, 1);
    context.font = '600 12px system-ui, sans-serif';
    context.fillStyle = colour('text');
    const name = clip(visible(data.names[group.name] ?? ''), 60) || 'without a name';
    context.fillText(name, 6, top + HEAD / 2);
    const size = context.measureText(name).width;
    context.font = '11px system-ui, sans-serif';
    context.fillStyle = colour('text-dim');
    context.fillText(String(group.tasks), size + 14, top + HEAD / 2);
  }
}
