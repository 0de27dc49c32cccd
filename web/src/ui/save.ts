// Out of the page: to the clipboard, and as a file. Nothing is sent anywhere.
import { signal } from '@preact/signals';

/** What just happened, for the eye and for screen readers. */
export const told = signal('');
let fading: number | null = null;

export function tell(text: string, milliseconds = 4000): void {
  if (fading !== null) clearTimeout(fading);
  told.value = text;
  fading = window.setTimeout(() => (told.value = ''), milliseconds);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied`);
  } catch {
    tell(copyBySelection(text) ? `${what} copied` : 'The browser did not allow copying');
  }
}

/** For pages that may not use the clipboard directly. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  document.body.append(area);
  const focused = document.activeElement;
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

export function save(content: Blob | string, name: string, type = 'text/plain;charset=utf-8'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the data once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  tell(`${name} saved`);
}

/** A file name that came from data, without what file systems or shells trip over. */
export function safeName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '').slice(0, 80) || 'taskwatcher';
}
