// One chart on a canvas: a stepped line of last values over a band from least to greatest.
//
// A log has no clock: the axis counts lines, a key keeps its value until it is set again, and the
// numbers come ready for the pixels. That is little enough to draw by hand, in a tenth of the
// script that a chart library would add.
import { colour } from '../app/theme';
import type { Series } from '../protocol/messages';
import { count, short } from '../text/number';
import { ticks } from './ticks';

export const AXIS = 52;
const TOP = 6;
const RIGHT = 8;
const FONT = '11px system-ui, sans-serif';

/** A series made whole: for each pixel the last, least and greatest value that held there. */
export interface Points {
  low: Float64Array;
  high: Float64Array;
  last: Float64Array;
}

/** The lines that charts show, and how wide they are. */
export interface Span {
  from: number;
  to: number;
  width: number;
}

export interface Look extends Span {
  points: Points;
  /** Where the reader stands. */
  line: number;
  height: number;
  /** Two lines that are being selected, or null. */
  selecting: [number, number] | null;
}

/** Pixels without a set continue the last value; NaN where the key has none. */
export function wholePoints(series: Series): Points {
  const size = series.last.length;
  const points = { low: new Float64Array(size), high: new Float64Array(size), last: new Float64Array(size) };
  let value = series.before;
  for (let p = 0; p < size; p++) {
    const here = series.last[p] ?? NaN;
    const none = Number.isNaN(here);
    if (!none) value = Number.isFinite(here) ? here : NaN;
    points.last[p] = value;
    points.low[p] = none ? value : (series.min[p] ?? value);
    points.high[p] = none ? value : (series.max[p] ?? value);
  }
  return points;
}

/** The line that stands at a pixel of a chart this wide. */
export function lineAt(x: number, from: number, to: number, width: number): number {
  const part = (x - AXIS) / Math.max(1, width - AXIS - RIGHT);
  return Math.round(from + Math.max(0, Math.min(1, part)) * (to - from));
}

export function drawPlot(canvas: HTMLCanvasElement, look: Look): void {
  const { width, height, points, from, to } = look;
  const context = cleared(canvas, width, height);
  if (!context) return;
  const right = width - RIGHT;
  const bottom = height - 4;
  const [low, high] = rangeOf(points);
  const xOf = across(look);
  // By halves: the difference of two great numbers is none.
  const yOf = (value: number): number => bottom - ((value / 2 - low / 2) / (high / 2 - low / 2)) * (bottom - TOP);

  drawGrid(context, look, xOf, yOf, low, high, bottom);
  if (look.selecting) {
    const [a, b] = look.selecting;
    context.fillStyle = colour('accent-soft');
    context.fillRect(Math.min(xOf(a), xOf(b)), TOP, Math.abs(xOf(b) - xOf(a)), bottom - TOP);
  }
  drawBand(context, points, right, yOf);
  drawSteps(context, points, right, yOf);
  if (look.line >= from && look.line <= to) {
    context.fillStyle = colour('accent');
    context.fillRect(Math.round(xOf(look.line)) - 1, 0, 2, bottom);
  }
}

/** The line numbers of all charts: they stand still while these are scrolled. */
export function drawAxis(canvas: HTMLCanvasElement, span: Span, height: number): void {
  const { width } = span;
  const context = cleared(canvas, width, height);
  if (!context) return;
  const xOf = across(span);
  context.font = FONT;
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  context.fillStyle = colour('text-dim');
  for (const at of lineTicks(span)) {
    const label = count(at);
    const half = context.measureText(label).width / 2;
    context.fillText(label, Math.min(xOf(at), width - half - 2), height / 2);
  }
}

function cleared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

function across({ from, to, width }: Span): Place {
  return (line) => AXIS + ((line - from) / Math.max(1, to - from)) * (width - RIGHT - AXIS);
}

function lineTicks({ from, to, width }: Span): number[] {
  return ticks(from, to, Math.max(2, Math.floor((width - AXIS) / 90))).filter(Number.isInteger);
}

/** At least two, where numbers differ at all: one alone says nothing of the scale. */
export function valueTicks(low: number, high: number): number[] {
  if (!Number.isFinite(high - low)) return valueTicks(low / 2, high / 2).map((half) => half * 2);
  const few = ticks(low, high, 2);
  return few.length > 1 ? few : ticks(low, high, 4);
}

function rangeOf({ low, high }: Points): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (const value of low) if (value < least) least = value;
  for (const value of high) if (value > most) most = value;
  if (!(least <= most) || !Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
  if (least === most) return [least - (Math.abs(least) || 1) / 2, most + (Math.abs(most) || 1) / 2];
  return [least, most];
}

type Place = (value: number) => number;

function drawGrid(context: CanvasRenderingContext2D, look: Look, xOf: Place, yOf: Place, low: number, high: number, bottom: number): void {
  const { width } = look;
  context.font = FONT;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const at of valueTicks(low, high)) {
    const y = Math.round(yOf(at));
    context.fillStyle = colour('line');
    context.fillRect(AXIS, y, width - RIGHT - AXIS, 1);
    context.fillStyle = colour('text-dim');
    context.fillText(short(at), AXIS - 6, Math.max(y, 7));
  }
  context.fillStyle = colour('line');
  for (const at of lineTicks(look)) context.fillRect(Math.round(xOf(at)), TOP, 1, bottom - TOP);
}

function drawBand(context: CanvasRenderingContext2D, { low, high, last }: Points, right: number, yOf: Place): void {
  const step = (right - AXIS) / low.length;
  context.fillStyle = colour('chart-band');
  for (let p = 0; p < low.length; p++) {
    const least = low[p] ?? NaN;
    const most = high[p] ?? NaN;
    // A number that came and went within a pixel has no line of its own.
    if (!(most > least || Number.isNaN(last[p] ?? NaN))) continue;
    if (Number.isNaN(least)) continue;
    const y = yOf(most);
    context.fillRect(AXIS + p * step, y, Math.max(1, step), Math.max(1, yOf(least) - y));
  }
}

function drawSteps(context: CanvasRenderingContext2D, { last }: Points, right: number, yOf: Place): void {
  const step = (right - AXIS) / last.length;
  context.strokeStyle = colour('chart');
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
  context.beginPath();
  let before = NaN;
  last.forEach((value, p) => {
    if (Object.is(value, before)) return;
    const x = AXIS + p * step;
    if (!Number.isNaN(before)) context.lineTo(x, yOf(before));
    if (Number.isNaN(before)) context.moveTo(x, yOf(value));
    else if (!Number.isNaN(value)) context.lineTo(x, yOf(value));
    before = value;
  });
  if (!Number.isNaN(before)) context.lineTo(right, yOf(before));
  context.stroke();
}
