// Charts of the pinned numeric keys, one below the other over the same lines.
//
// Dragging selects lines to zoom in on; a click moves the reader there. The same by keyboard:
// + and - zoom about the reader's line, the arrows move the window, 0 shows all.
import { type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { dark } from '../app/theme';
import { isLow } from '../app/width';
import { Newest } from '../protocol/client';
import type { Series } from '../protocol/messages';
import { count, plural, short } from '../text/number';
import { visible } from '../text/visible';
import { onFrame } from '../ui/frame';
import type { LogModel } from './model';
import { AXIS, drawAxis, drawPlot, lineAt, type Look, wholePoints } from './plot';

const HEIGHT = 62;
const LOW_HEIGHT = 40;
const AXIS_HEIGHT = 18;

const heightNow = (): number => (isLow.value ? LOW_HEIGHT : HEIGHT);

export function Charts({ model }: { model: LogModel }) {
  const keys = model.charted.value;
  const zoom = model.zoom.value;
  const more = model.chartable.value.length - keys.length;
  if (keys.length === 0 || model.lines.value === 0) return null;
  return (
    <section class="charts" aria-label="Charts">
      <header>
        <span class="dim" aria-live="polite">
          {zoom ? `Lines ${count(zoom.from)} to ${count(zoom.to)}` : 'All lines'}
          {more > 0 && `, ${plural(more, 'further pinned key')} not drawn`}
        </span>
        <span class="actions">
          <button type="button" class="quiet" onClick={() => scale(model, 0.5)}>Zoom in</button>
          <button type="button" class="quiet" disabled={!zoom} onClick={() => scale(model, 2)}>Zoom out</button>
          <button type="button" class="quiet" disabled={!zoom} onClick={() => model.setZoom(null)}>All</button>
        </span>
      </header>
      <div class="chart-list">
        {keys.map((key) => (
          <Chart key={key} model={model} name={key} />
        ))}
      </div>
      <Axis model={model} />
    </section>
  );
}

interface Drawn {
  series: Series;
  from: number;
  to: number;
}

function Axis({ model }: { model: LogModel }) {
  const [canvas, width] = useWidth();
  useSignalEffect(() => {
    void dark.value;
    const element = canvas.current;
    const span = { ...spanOf(model), width: width.value };
    if (element && span.width > 0) onFrame(element, () => drawAxis(element, span, AXIS_HEIGHT));
  });
  return <canvas ref={canvas} class="plot axis" aria-hidden="true" style={{ height: `${AXIS_HEIGHT}px` }} />;
}

/** A canvas, and how wide it is now. */
function useWidth(): [RefObject<HTMLCanvasElement | null>, Signal<number>] {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [canvas, width];
}

/** The lines that are shown. */
function spanOf(model: LogModel): { from: number; to: number } {
  const lines = model.lines.value;
  const { from, to } = model.zoom.value ?? { from: 1, to: lines };
  return { from: Math.min(from, lines), to: Math.min(to, lines) };
}

function Chart({ model, name }: { model: LogModel; name: string }) {
  const [canvas, width] = useWidth();
  const asking = useSignal(new Newest()).value;
  const drawn = useSignal<Drawn | null>(null);
  const selecting = useSignal<[number, number] | null>(null);
  const value = useComputed(() => model.state.value?.values.find(([key]) => key === name)?.[1] ?? '');

  useSignalEffect(() => {
    const pixels = width.value - AXIS;
    const lines = model.lines.value;
    const { from, to } = spanOf(model);
    const id = model.known.value.get(name)?.id;
    if (pixels < 20 || id === undefined || lines === 0) return;
    asking.run(async () => {
      try {
        const points = Math.max(1, Math.min(pixels, to - from + 1));
        drawn.value = { series: await model.call('series', { key: id, first: from, last: to, width: points }), from, to };
      } catch (error) {
        model.failed(error);
      }
    });
  });

  const points = useComputed(() => drawn.value && wholePoints(drawn.value.series));
  useSignalEffect(() => {
    void dark.value;
    const element = canvas.current;
    if (!element || !drawn.value || !points.value || width.value === 0) return;
    const look: Look = {
      points: points.value,
      from: drawn.value.from,
      to: drawn.value.to,
      line: model.line.value,
      width: width.value,
      height: heightNow(),
      selecting: selecting.value,
    };
    onFrame(element, () => drawPlot(element, look));
  });

  const at = (event: PointerEvent): number => {
    const { from, to } = drawn.peek() ?? { from: 1, to: 1 };
    return lineAt(event.offsetX, from, to, width.peek());
  };
  const pressed = useRef<{ line: number; x: number } | null>(null);
  const label = visible(name);
  return (
    <div
      class="chart"
      tabIndex={0}
      role="group"
      aria-label={`Chart of ${label}. Plus and minus zoom, arrows move, 0 shows all lines.`}
      onKeyDown={(event) => keys(event, model)}
    >
      <p class="chart-title">
        <span class="key">{label}</span>
        <span class="value">{visible(value.value.slice(0, 40))}</span>
        <span class="dim">{rangeOf(drawn.value?.series ?? null)}</span>
      </p>
      <canvas
        ref={canvas}
        class="plot"
        aria-hidden="true"
        style={{ height: `${heightNow()}px` }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          pressed.current = { line: at(event), x: event.offsetX };
        }}
        onPointerMove={(event) => {
          const start = pressed.current;
          if (start && Math.abs(event.offsetX - start.x) > 4) selecting.value = [start.line, at(event)];
        }}
        onPointerUp={(event) => {
          const start = pressed.current;
          const chosen = selecting.peek();
          pressed.current = null;
          selecting.value = null;
          if (chosen) model.setZoom({ from: Math.min(...chosen), to: Math.max(...chosen) });
          else if (start) model.go(at(event), 'push');
        }}
        onPointerCancel={() => {
          pressed.current = null;
          selecting.value = null;
        }}
        onDblClick={() => model.setZoom(null)}
      />
    </div>
  );
}

function rangeOf(series: Series | null): string {
  if (!series) return '';
  let low = Infinity;
  let high = -Infinity;
  for (const value of series.min) if (value < low) low = value;
  for (const value of series.max) if (value > high) high = value;
  if (low > high) return 'no number in these lines';
  return `${short(low)} to ${short(high)}${series.exact ? '' : ', rounded to blocks'}`;
}

/** `by` below 1 zooms in. */
function scale(model: LogModel, by: number): void {
  const lines = model.lines.peek();
  const { from, to } = model.zoom.peek() ?? { from: 1, to: lines };
  const line = model.line.peek();
  const about = line >= from && line <= to ? line : (from + to) / 2;
  const size = Math.max(10, (to - from) * by);
  const start = about - ((about - from) / Math.max(1, to - from)) * size;
  move(model, start, size);
}

function move(model: LogModel, start: number, size: number): void {
  const lines = model.lines.peek();
  const from = Math.max(1, Math.min(start, lines - size));
  model.setZoom({ from, to: Math.min(lines, from + size) });
}

function keys(event: KeyboardEvent, model: LogModel): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { from, to } = model.zoom.peek() ?? { from: 1, to: model.lines.peek() };
  const size = to - from;
  const acts: Record<string, () => void> = {
    '+': () => scale(model, 0.5),
    '=': () => scale(model, 0.5),
    '-': () => scale(model, 2),
    '0': () => model.setZoom(null),
    ArrowLeft: () => move(model, from - size / 4, size),
    ArrowRight: () => move(model, from + size / 4, size),
  };
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}
