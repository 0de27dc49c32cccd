// The timeline of tasks: drag or wheel to move, pinch or Ctrl and wheel to zoom, a click for details.
//
// By keyboard: the arrows move from task to task in time and between rows, + and - zoom, 0 shows all,
// Enter opens the details. The table holds the same tasks for whoever cannot see the picture.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { dark } from '../app/theme';
import { room } from '../app/width';
import type { GanttData } from '../protocol/messages';
import { count, plural } from '../text/number';
import { formatDuration, formatTime } from '../text/time';
import { clip, sentences, visible } from '../text/visible';
import { onFrame } from '../ui/frame';
import { barAt, endOf, layOut, type Layout, MOST_LANES } from './gantt-layout';
import { AXIS, HEAD, LANE, laneTop, mostScroll, paint, THUMB, thumbOf } from './gantt-paint';
import { type Colours, coloursOf, Legend } from './legend';
import { type HistoryModel, MOST_BARS } from './model';

interface Shown {
  data: GanttData;
  layout: Layout;
  colours: Colours;
}

export function Gantt({ model }: { model: HistoryModel }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const hint = useSignal<{ x: number; y: number; bar: number } | null>(null);
  const shown = useComputed<Shown | null>(() => {
    const data = model.gantt.value;
    if (!data) return null;
    const layout = layOut(data);
    const margin = (layout.to - layout.from) * 0.01;
    model.scale.whole = { from: layout.from - margin, to: layout.to + margin };
    return { data, layout, colours: coloursOf(data) };
  });

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(() => (size.value = { width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useSignalEffect(() => {
    const element = canvas.current;
    const now = shown.value;
    const { width, height } = size.value;
    void dark.value;
    if (!element || !now || width === 0) return;
    const window = model.scale.shown;
    const scroll = Math.min(model.scale.scroll.value, mostScroll(now.layout, height));
    model.scale.scroll.value = scroll;
    const selected = model.bar.value;
    onFrame(element, () => draw(element, { ...now, window, scroll, selected, width, height }));
  });

  useEffect(() => {
    const element = canvas.current;
    return element ? listen(element, model, () => shown.peek(), (found) => (hint.value = found)) : undefined;
  }, []);

  const now = shown.value;
  const over = (model.queried.value?.count ?? 0) - (now?.data.entry.length ?? 0);
  const chosen = now ? now.data.entry.indexOf(model.bar.value ?? -1) : -1;
  return (
    <section class="gantt" aria-label="Timeline">
      <header>
        <div class="explained">
          {now && <Legend colours={now.colours} />}
          {now && <LeftOut {...now} />}
        </div>
        <span class="actions">
          <button type="button" class="quiet" onClick={() => model.scale.zoom(0.5)}>Zoom in</button>
          <button type="button" class="quiet" disabled={!model.scale.window.value} onClick={() => model.scale.zoom(2)}>Zoom out</button>
          <button type="button" class="quiet" disabled={!model.scale.window.value} onClick={() => model.scale.set(null)}>All</button>
        </span>
      </header>
      <div class="gantt-box">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`Timeline of ${count(now?.data.entry.length ?? 0)} tasks. Arrows move from task to task, plus and minus zoom, 0 shows all, Enter opens details.`}
          onKeyDown={(event) => now && keys(event, model, now, size.peek().height)}
        />
        {now && hint.value && <Hint data={now.data} hint={hint.value} width={size.value.width} />}
        {now?.data.entry.length === 0 && <p class="empty">No task with a start matches.</p>}
        {!now && <p class="empty">Drawing…</p>}
      </div>
      <p class="offscreen" aria-live="polite">{now && chosen >= 0 ? words(now.data, chosen) : ''}</p>
      {now && over > 0 && now.data.entry.length >= MOST_BARS && (
        <p class="more">The first {count(MOST_BARS)} tasks of the table are drawn; filter for others.</p>
      )}
    </section>
  );
}

/** What a reader would look for in vain. */
function LeftOut({ data: { waiting, timeless }, layout }: Shown) {
  const tasks = (number: number, what: string): string => `${plural(number, 'task')} ${what} ${number === 1 ? 'is' : 'are'} not drawn`;
  const said = [];
  if (waiting > 0) said.push(tasks(waiting, 'not started yet'));
  if (timeless > 0) said.push(tasks(timeless, 'without a usable time'));
  if (layout.crowded) said.push(`more ran at once than the ${MOST_LANES} lanes drawn`);
  return said.length > 0 && <p class="left-out">{sentences(said.join('; '))}</p>;
}

function draw(element: HTMLCanvasElement, what: Parameters<typeof paint>[1]): void {
  const context = element.getContext('2d');
  if (!context) return;
  const ratio = devicePixelRatio || 1;
  const width = Math.round(what.width * ratio);
  const height = Math.round(what.height * ratio);
  // Setting a size clears a canvas and costs: only when it changed.
  if (element.width !== width || element.height !== height) {
    element.width = width;
    element.height = height;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint(context, what);
}

function Hint({ data, hint, width }: { data: GanttData; hint: { x: number; y: number; bar: number }; width: number }) {
  const right = hint.x > width / 2;
  return (
    <div class="hint" aria-hidden="true" style={{ top: `${hint.y + 14}px`, ...(right ? { right: `${width - hint.x}px` } : { left: `${hint.x}px` }) }}>
      {words(data, hint.bar)}
    </div>
  );
}

function words(data: GanttData, bar: number): string {
  const name = clip(visible(data.names[data.name[bar] ?? 0] ?? ''), 60) || 'without a name';
  const outcome = visible(data.outcomes[data.outcome[bar] ?? 0] ?? '');
  const start = data.start[bar] ?? NaN;
  const open = Number.isNaN(data.end[bar] ?? NaN);
  const span = formatDuration(endOf(data, bar) - start);
  return `${name}: ${outcome}, ${formatTime(start)}, ${open ? `${span} so far` : span}`;
}

function listen(element: HTMLCanvasElement, model: HistoryModel, get: () => Shown | null, hint: (found: { x: number; y: number; bar: number } | null) => void): () => void {
  const { scale } = model;
  /** `ratio`: how far lanes move for each pixel, -1 for those that are held themselves. */
  let held: { x: number; y: number; moved: boolean; ratio: number } | null = null;
  /** Where fingers are, two at most. */
  const fingers = new Map<number, { x: number; y: number }>();
  const timeAt = (x: number): number => {
    const { from, to } = scale.now;
    return from + (x / element.clientWidth) * (to - from);
  };
  const find = (x: number, y: number): number | null => {
    const now = get();
    if (!now || y < AXIS) return null;
    const lane = laneAt(now.layout, y - AXIS + scale.scroll.peek());
    const row = lane === null ? undefined : now.layout.bars[lane];
    const slack = timeAt(4) - timeAt(0);
    return row ? barAt(now.data, row, timeAt(x), slack) : null;
  };
  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || fingers.size === 2) return;
    const at = { x: event.offsetX, y: event.offsetY };
    fingers.set(event.pointerId, at);
    element.setPointerCapture(event.pointerId);
    const now = get();
    const thumb = now && at.x > element.clientWidth - 2 * THUMB ? thumbOf(now.layout, scale.scroll.peek(), element.clientHeight) : null;
    held = { ...at, moved: thumb !== null || fingers.size === 2, ratio: thumb?.ratio ?? -1 };
  };
  /** Two fingers: what was under each stays under it, as far as one scale allows. */
  const pinch = (event: PointerEvent): void => {
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const before = fingers.get(event.pointerId);
    if (!other || !before) return;
    const span = (x: number, y: number): number => Math.max(20, Math.hypot(x - other.x, y - other.y));
    scale.zoom(span(before.x, before.y) / span(event.offsetX, event.offsetY), timeAt((before.x + other.x) / 2));
    scale.pan((before.x - event.offsetX) / 2 / element.clientWidth);
    fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  };
  const move = (event: PointerEvent): void => {
    if (fingers.size === 2) return pinch(event);
    if (!held) {
      const bar = find(event.offsetX, event.offsetY);
      hint(bar === null ? null : { x: event.offsetX, y: event.offsetY, bar });
      return;
    }
    const dx = event.offsetX - held.x;
    const dy = event.offsetY - held.y;
    if (!held.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
    hint(null);
    if (held.ratio < 0) scale.pan(-dx / element.clientWidth);
    scrollBy(model, get(), dy * held.ratio, element.clientHeight);
    held = { x: event.offsetX, y: event.offsetY, moved: true, ratio: held.ratio };
  };
  const drop = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    // The finger that stays goes on moving the lanes.
    const [at] = fingers.values();
    held = at ? { ...at, moved: true, ratio: -1 } : null;
  };
  const up = (event: PointerEvent): void => {
    const was = held;
    drop(event);
    if (!was || was.moved) return;
    const bar = find(event.offsetX, event.offsetY);
    const entry = bar === null ? undefined : get()?.data.entry[bar];
    model.select(entry ?? null);
    model.bar.value = entry ?? null;
  };
  const wheel = (event: WheelEvent): void => {
    hint(null);
    const before = scale.scroll.peek();
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    const zooms = event.ctrlKey || event.metaKey;
    if (zooms) scale.zoom(Math.exp(event.deltaY * 0.004), timeAt(event.offsetX));
    else {
      if (sideways !== 0) scale.pan(sideways / element.clientWidth);
      if (!event.shiftKey) scrollBy(model, get(), event.deltaY, element.clientHeight);
    }
    // At the last lane the view around may scroll on.
    if (zooms || sideways !== 0 || scale.scroll.peek() !== before) event.preventDefault();
  };
  const left = (): void => hint(null);
  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', move);
  element.addEventListener('pointerup', up);
  element.addEventListener('pointercancel', drop);
  element.addEventListener('pointerleave', left);
  element.addEventListener('wheel', wheel, { passive: false });
  return () => {
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', move);
    element.removeEventListener('pointerup', up);
    element.removeEventListener('pointercancel', drop);
    element.removeEventListener('pointerleave', left);
    element.removeEventListener('wheel', wheel);
  };
}

function scrollBy(model: HistoryModel, now: Shown | null, by: number, height: number): void {
  if (!now) return;
  const most = mostScroll(now.layout, height);
  model.scale.scroll.value = Math.max(0, Math.min(most, model.scale.scroll.peek() + by));
}

function laneAt(layout: Layout, y: number): number | null {
  let groups = 0;
  for (const group of layout.groups) {
    groups++;
    const top = group.lane * LANE + groups * HEAD;
    if (y >= top && y < top + group.lanes * LANE) return group.lane + Math.floor((y - top) / LANE);
  }
  return null;
}

function keys(event: KeyboardEvent, model: HistoryModel, now: Shown, height: number): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { data, layout } = now;
  const { scale } = model;
  const at = data.entry.indexOf(model.bar.peek() ?? -1);
  const step = (by: number): void => {
    const bars = layout.bars[at === -1 ? 0 : (layout.lane[at] ?? 0)]?.bars;
    if (!bars) return;
    const place = at === -1 ? (by > 0 ? -1 : bars.length) : bars.indexOf(at);
    choose(bars[Math.max(0, Math.min(bars.length - 1, place + by))]);
  };
  const row = (by: number): void => {
    const lane = at === -1 ? 0 : Math.max(0, Math.min(layout.lanes - 1, (layout.lane[at] ?? 0) + by));
    const row = layout.bars[lane];
    const time = at === -1 ? scale.shown.from : (data.start[at] ?? 0);
    if (row) choose(barAt(data, row, time, Infinity) ?? row.bars[0]);
  };
  const choose = (bar: number | undefined): void => {
    if (bar === undefined) return;
    const entry = data.entry[bar] ?? null;
    model.bar.value = entry;
    // Where the details cover the timeline they wait for Enter.
    if (room.peek() !== 'narrow') model.select(entry, model.details.peek() ? 'replace' : 'push');
    reveal(model, now, bar, height);
  };
  const acts: Record<string, () => unknown> = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    ArrowDown: () => row(1),
    ArrowUp: () => row(-1),
    '+': () => scale.zoom(0.5, at === -1 ? undefined : data.start[at]),
    '=': () => scale.zoom(0.5, at === -1 ? undefined : data.start[at]),
    '-': () => scale.zoom(2, at === -1 ? undefined : data.start[at]),
    '0': () => scale.set(null),
    Enter: () => at !== -1 && model.look(data.entry[at] ?? null),
  };
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function reveal(model: HistoryModel, now: Shown, bar: number, height: number): void {
  const { scale } = model;
  const { from, to } = scale.now;
  const start = now.data.start[bar] ?? 0;
  if (start < from || start > to) scale.set({ from: start - (to - from) / 2, to: start + (to - from) / 2 });
  const top = laneTop(now.layout, now.layout.lane[bar] ?? 0);
  const room = height - AXIS;
  const scroll = scale.scroll.peek();
  if (top < scroll) scale.scroll.value = Math.max(0, top - HEAD);
  else if (top + LANE > scroll + room) scale.scroll.value = top + LANE - room;
}
