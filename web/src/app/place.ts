// Where the reader is, as the hash of the address: a link that leads back to it.
//
// The hash never holds anything of a file but its name. Steps that a person would want to take back
// (another view, a jump) are pushed; steady movement (scrubbing, scrolling) only replaces.
import { signal } from '@preact/signals';

export type Place = ReadonlyMap<string, string>;
export type Change = Record<string, string | number | null | undefined>;

export const place = signal<Place>(new Map());

/** What the address does not say, and what Back and Reload should find again all the same. */
interface Keeper {
  /** The browser went to another place, where the list was scrolled so far. */
  restore(place: Place, top: number | undefined): void;
  /** How far the list is scrolled; undefined: there is none. */
  top(): number | undefined;
  /** Whether what is open is what the place speaks of: else nothing of it belongs there. */
  isThere(place: Place): boolean;
}
/** What the browser keeps with a step, also while the page is loaded again. */
interface Step {
  top?: number | undefined;
}
let keeper: Keeper = { restore: () => {}, top: () => undefined, isThere: () => true };
/** The address and the step as the browser has them. */
let written = '';
let writtenTop: number | undefined;
/** Where the list stood before the page was loaded. */
let topBefore: number | undefined;
/** What the browser has not been told yet, and how it will be. */
let waiting: { how: 'push' | 'replace'; timer: number } | null = null;
let resting = 0;

/** Reads the address, and from then on restores places whenever the browser changes it. */
export function startPlace(own: Keeper): void {
  keeper = own;
  place.value = readHash(location.hash);
  written = location.hash;
  topBefore = writtenTop = topHere();
  addEventListener('popstate', returned);
  addEventListener('hashchange', returned);
}

/** For the first file that is opened after the page was loaded: where its list stood before. */
export function takeTop(): number | undefined {
  const top = topBefore;
  topBefore = undefined;
  return top;
}

function topHere(): number | undefined {
  return (history.state as Step | null)?.top;
}

function returned(): void {
  if (location.hash === written) return;
  clearTimeout(resting);
  flush(false);
  written = location.hash;
  writtenTop = topHere();
  place.value = readHash(location.hash);
  keeper.restore(place.value, writtenTop);
}

/** To be somewhere else altogether: what is not named here is taken out. */
export function noteOnly(change: Change): void {
  const none = Object.fromEntries([...place.value.keys()].map((name) => [name, null]));
  note({ ...none, ...change }, 'push');
}

/** `null` and the empty text take a part out. */
export function note(change: Change, how: 'push' | 'replace'): void {
  if (change['file'] === undefined && !keeper.isThere(place.value)) return;
  const next = new Map(place.value);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  if (writeHash(next) === writeHash(place.value)) return;
  // A step of its own ends what came before it.
  if (how === 'push') {
    flush(true);
    write('replace');
  }
  place.value = next;
  writeSoon(how);
}

/** The list was scrolled: written once it rests, so that no frame of the movement waits for it. */
export function noteTop(): void {
  if (!keeper.isThere(place.value)) return;
  clearTimeout(resting);
  resting = window.setTimeout(() => writeSoon('replace'), 300);
}

/**
 * Browsers refuse more than some hundred changes in half a minute, and take milliseconds for each: a
 * steady movement is written now and then, a step once the page has answered to it. What a page
 * writes when it is left is not always kept.
 */
function writeSoon(how: 'push' | 'replace'): void {
  waiting ??= { how, timer: window.setTimeout(() => flush(true), how === 'push' ? 0 : 400) };
}

function flush(keep: boolean): void {
  if (!waiting) return;
  const { how, timer } = waiting;
  clearTimeout(timer);
  waiting = null;
  if (keep) write(how);
}

function write(how: 'push' | 'replace'): void {
  const hash = writeHash(place.value);
  const top = keeper.top() ?? (how === 'replace' ? writtenTop : undefined);
  const isSame = hash === written || (hash === '#' && written === '');
  if (isSame && top === writtenTop) return;
  const address = location.pathname + location.search + hash;
  if (isSame) history.replaceState({ top } satisfies Step, '');
  else if (how === 'push') history.pushState({ top } satisfies Step, '', address);
  else history.replaceState({ top } satisfies Step, '', address);
  // What the browser made of it, so that a later comparison is with the same spelling.
  written = location.hash;
  writtenTop = top;
}

export function readHash(hash: string): Place {
  return new Map(new URLSearchParams(hash.replace(/^#/, '')));
}

export function writeHash(from: Place): string {
  return `#${new URLSearchParams([...from]).toString()}`;
}

/** A whole number within bounds, or the fallback: a link may hold anything. */
export function numberIn(from: Place, name: string, fallback: number, most = Number.MAX_SAFE_INTEGER): number {
  const text = from.get(name);
  const number = Number(text);
  return text !== undefined && Number.isInteger(number) && number >= 0 ? Math.min(number, most) : fallback;
}
