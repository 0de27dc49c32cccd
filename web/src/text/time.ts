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

/** The steps of a time axis, in seconds. */
const STEPS = [
  0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000, 63_072_000, 157_680_000, 315_360_000,
];

export interface Tick {
  at: number;
  label: string;
}

/** At most `most` marks between two times, on round local times, labelled no finer than needed. */
export function timeTicks(from: number, to: number, most: number): Tick[] {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span) || most < 1) return [];
  const step = STEPS.find((size) => span / size <= most) ?? span;
  const shift = new Date(from * 1000).getTimezoneOffset() * 60 || 0;
  const ticks: Tick[] = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to && ticks.length <= most; at += step) {
    ticks.push({ at, label: tickLabel(at, step) });
  }
  return ticks;
}

function tickLabel(at: number, step: number): string {
  const full = formatTime(at);
  if (full.length !== 19) return full;
  if (step >= 86_400) return full.slice(0, 10);
  if (full.endsWith('00:00:00')) return full.slice(5, 10);
  if (step >= 60) return full.slice(11, 16);
  return step >= 1 ? full.slice(11) : `${full.slice(17)}.${pad(Math.round((at % 1) * 1000), 3)}`;
}
