// Times and durations as people read them. Anything a file may hold goes in: what is no time comes
// out as the number it is.

const pad = (number: number, width = 2): string => String(number).padStart(width, '0');

/** Unix seconds in local time; empty for NaN. */
export function formatTime(seconds: number): string {
  if (Number.isNaN(seconds)) return '';
  const date = new Date(seconds * 1000);
  const year = date.getFullYear();
  if (Number.isNaN(year) || year < 1 || year > 9999) return String(seconds);
  return `${pad(year, 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** For exports: the same everywhere. */
export function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}

export function formatDuration(seconds: number): string {
  if (Number.isNaN(seconds)) return '';
  if (!Number.isFinite(seconds) || Math.abs(seconds) >= 1e10) return `${seconds} s`;
  const sign = seconds < 0 ? '−' : '';
  const size = Math.abs(seconds);
  if (size < 1) return `${sign}${Math.round(size * 1000)} ms`;
  if (size < 60) return `${sign}${Number(size.toFixed(size < 10 ? 1 : 0))} s`;
  const whole = Math.round(size);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${sign}${days} d ${pad(hours)} h`;
  if (hours > 0) return `${sign}${hours} h ${pad(minutes)} min`;
  return `${sign}${minutes} min ${pad(whole % 60)} s`;
}

const DAY = 86_400;
const MONTH = 2_629_746;
/** The steps of a time axis in seconds; those of months and years are as long as these are on average. */
const STEPS = [
  0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
  ...[1, 2, 7, 14].map((days) => days * DAY),
  ...[1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12_000].map((months) => months * MONTH),
];

export interface Tick {
  at: number;
  label: string;
}

/** At most `most` marks between two times, on round local times, labelled no finer than needed. */
export function timeTicks(from: number, to: number, most: number): Tick[] {
  const span = to - from;
  const step = STEPS.find((size) => span / size <= most);
  if (!(span > 0) || !Number.isFinite(span) || step === undefined) return [];
  const ticks: Tick[] = [];
  // Clocks are put forward and back: the first one is looked for from a little earlier.
  for (let n = Math.floor((from - roundTime(step, 0)) / step) - 3; ticks.length <= most; n++) {
    const at = roundTime(step, n);
    if (!(at <= to)) break;
    if (at >= from && at > (ticks.at(-1)?.at ?? -Infinity)) ticks.push({ at, label: tickLabel(at, step) });
  }
  return ticks;
}

/** The n-th round time of a step by the calendar of this place. */
function roundTime(step: number, n: number): number {
  if (step < 1800) return n * step;
  const date =
    step < DAY ? new Date(1970, 0, 1, 0, 0, n * step)
    : step < MONTH ? new Date(1970, 0, (step < 7 * DAY ? 1 : 5) + (n * step) / DAY)
    : new Date(2000, (n * step) / MONTH);
  return date.getTime() / 1000;
}

function tickLabel(at: number, step: number): string {
  const full = formatTime(at);
  if (full.length !== 19) return full;
  if (step >= 12 * MONTH) return full.slice(0, 4);
  if (step >= MONTH) return full.slice(0, 7);
  if (step >= DAY || full.endsWith('00:00:00')) return full.slice(0, 10);
  if (step >= 60) return full.slice(11, 16);
  return step >= 1 ? full.slice(11) : `${full.slice(17)}.${pad(Math.round((at % 1) * 1000), 3)}`;
}

/** What the labels leave out at the start of an axis: the day, and the minute where they count less. */
export function axisStart(from: number, ticks: readonly Tick[]): string {
  const first = ticks[0]?.label ?? ':';
  return /^\d{4}/.test(first) ? '' : formatTime(from).slice(0, first.includes(':') ? 10 : 16);
}
