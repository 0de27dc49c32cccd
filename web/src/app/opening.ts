// What is open: starting a worker for a file, replacing it, and saying why when that fails.
import { effect, signal } from '@preact/signals';
import { HistoryModel } from '../history/model';
import { LogModel } from '../log/model';
import { Cancelled, type Client } from '../protocol/client';
import { prepareClient, takeClient } from '../protocol/start';
import { sentences, visible } from '../text/visible';
import { tell } from '../ui/save';
import { note, noteOnly, type Place, place, takeTop } from './place';
import { SAMPLES } from './samples';

export interface Source {
  files: File[];
  /** Where the browser gives one: asks for the newest version of the file. */
  handles: FileSystemFileHandle[];
  sample: string | null;
}

export type Current =
  | { kind: 'none' }
  | { kind: 'opening'; name: string }
  | { kind: 'log'; model: LogModel }
  | { kind: 'history'; model: HistoryModel };

export interface Notice {
  title: string;
  text: string;
  /** Nothing went wrong. */
  calm?: boolean;
}

export const current = signal<Current>({ kind: 'none' });
export const notice = signal<Notice | null>(null);

/** Opening says itself when it is over. */
const LONG = 600_000;

let opens = 0;
let client: Client | null = null;
/** The reader of a file that is about to be opened. */
let coming: Client | null = null;
let source: Source | null = null;
/** What was opened since the page was loaded, by name: Back and Forward open it again. */
const sources = new Map<string, Source>();

effect(() => {
  const now = current.value;
  const name = isOpen(now) ? visible(now.model.name) : '';
  if (typeof document !== 'undefined') document.title = name ? `${name} – taskwatcher viewer` : 'taskwatcher viewer';
});

/**
 * What is open stays until the next one is. `keepPlace`: the address already says where to go in it,
 * and `top` how far its list was scrolled.
 */
export async function openSource(next: Source, keepPlace = false, top?: number): Promise<void> {
  coming?.close();
  const own = takeClient();
  coming = own;
  notice.value = null;
  const name = next.files[0]?.name ?? '';
  if (isOpen(current.peek())) tell(`Opening ${visible(name)}…`, LONG);
  else current.value = { kind: 'opening', name };
  const refused = (why: Notice): void => {
    if (coming !== own) return;
    coming = null;
    own.close();
    if (!isOpen(current.peek())) current.value = { kind: 'none' };
    tell('');
    notice.value = why;
  };
  own.listener = { crashed: (message) => refused(crash(name, message)) };
  try {
    // The worker that waited for this file may have failed while nobody listened.
    if (own.failure !== null) return refused(crash(name, own.failure));
    const opened = await own.call('open', { files: next.files });
    if (coming !== own) return;
    const before = current.peek();
    const last = client;
    [client, coming, source] = [own, null, next];
    sources.set(opened.name, next);
    tell('');
    const same = keepPlace || place.value.get('file') === opened.name;
    const left = takeTop();
    const stood = top ?? (same && !isOpen(before) ? left : undefined);
    const isSameFile = keepPlace && isOpen(before) && before.model.name === opened.name;
    if (same) note({ file: opened.name, sample: next.sample }, 'replace');
    else noteOnly({ file: opened.name, sample: next.sample });
    const listener = {
      crashed: (message: string) => crashed(opened.name, message),
      failed: (message: string) => {
        const advice = canReload() ? 'Press Reload to read it again.' : 'This browser keeps only the old version: open the file again.';
        notice.value = { title: `Reading “${opened.name}” stopped`, text: `${sentences(message)}. ${advice}` };
      },
    };
    if (opened.kind === 'log') {
      const model = new LogModel(own, ++opens, opened, next.handles[0] ?? null, listener, () => void reload());
      if (isSameFile && before.kind === 'log') model.carry(before.model);
      else if (stood !== undefined) model.restore(place.value, stood);
      current.value = { kind: 'log', model };
    } else {
      const model = new HistoryModel(own, ++opens, opened, listener);
      if (isSameFile && before.kind === 'history') model.carry(before.model);
      else if (stood !== undefined) model.restore(place.value, stood);
      current.value = { kind: 'history', model };
    }
    if (isOpen(before)) before.model.dispose();
    last?.close();
    if (opened.left !== '') notice.value = { title: `“${opened.name}” is open`, text: opened.left, calm: true };
  } catch (error) {
    if (error instanceof Cancelled) return;
    refused({ title: `“${name}” could not be opened`, text: error instanceof Error ? error.message : String(error) });
  } finally {
    prepareClient();
  }
}

export async function openSample(name: string, keepPlace = false, top?: number): Promise<void> {
  const sample = SAMPLES.find((one) => one.name === name);
  if (!sample) return;
  const file = new File([sample.text()], sample.file, { lastModified: sample.written });
  await openSource({ files: [file], handles: [], sample: name }, keepPlace, top);
}

/** Whether the newest version of what is open can be had without asking for the file. */
function canReload(): boolean {
  return source !== null && (source.sample !== null || source.handles.length > 0);
}

/** Reads the same source again. Without a handle the browser keeps only the old version: pick again. */
export async function reload(): Promise<'done' | 'pick' | 'gone'> {
  if (!source || !canReload()) return 'pick';
  if (source.sample !== null) {
    await openSample(source.sample, true);
    return 'done';
  }
  try {
    await openSource(await newest(source), true);
    return 'done';
  } catch {
    return 'gone';
  }
}

/** The present version of what was opened, where the browser gives one. */
async function newest(known: Source): Promise<Source> {
  if (known.handles.length === 0) return known;
  return { ...known, files: await Promise.all(known.handles.map((handle) => handle.getFile())) };
}

/** What was opened before is opened again: at worst, what the browser has kept of it. */
async function openAgain(known: Source, top: number | undefined): Promise<void> {
  await openSource(await newest(known).catch(() => known), true, top);
}

export function closeFile(): void {
  closeWorker();
  coming?.close();
  coming = source = null;
  current.value = { kind: 'none' };
  prepareClient();
}

export function isOpen(now: Current): now is Extract<Current, { model: unknown }> {
  return now.kind === 'log' || now.kind === 'history';
}

/** Where the lines of a log stand, or the tasks of a history. */
export function topNow(): number | undefined {
  const now = current.value;
  if (now.kind === 'log') return now.model.linePosition.top.value;
  return now.kind === 'history' ? now.model.position.top.value : undefined;
}

/** The browser went back or on: to another place in this file, to another file, or to none. */
export function returnTo(to: Place, top?: number): void {
  const now = current.peek();
  const open = isOpen(now) ? now.model : null;
  const file = to.get('file');
  const sample = to.get('sample');
  const known = sources.get(file ?? '');
  notice.value = null;
  if (open && file === open.name) open.restore(to, top);
  else if (sample !== undefined) void openSample(sample, true, top);
  else if (known) void openAgain(known, top);
  else if (file === undefined) closeFile();
  else if (open) {
    notice.value = {
      title: `That was in “${file}”`,
      text: 'It was opened before this page was loaded: drop it, or open it, and the view is as it was.',
      calm: true,
    };
  }
}

/** Whether a place is in what is open. */
export function isThere(to: Place): boolean {
  const now = current.peek();
  return !isOpen(now) || now.model.name === to.get('file');
}

/** True if the file that the address speaks of is not the one that is open. */
export function isElsewhere(): boolean {
  const wanted = place.value.get('file');
  const now = current.value;
  const have = isOpen(now) ? now.model.name : null;
  return wanted !== undefined && wanted !== have;
}

function closeWorker(): void {
  const now = current.peek();
  if (isOpen(now)) now.model.dispose();
  client?.close();
  client = null;
}

function crashed(name: string, message: string): void {
  closeWorker();
  current.value = { kind: 'none' };
  notice.value = crash(name, message);
  prepareClient();
}

function crash(name: string, message: string): Notice {
  return {
    title: `The reader of “${name}” crashed`,
    text:
      `${message}. Nothing of it is left over; open another file, or this one again. ` +
      'If the same file does it again, please report it with the first lines of the file.',
  };
}

export function unexpected(message: string): void {
  notice.value = {
    title: 'The page met an error of its own',
    text: `${message}. What is shown may be incomplete: press Reload, or open the file again. Please report it.`,
  };
}
