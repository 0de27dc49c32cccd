// Keys that work wherever the focus is, except while something is typed.
import type { LogModel } from '../log/model';
import { Cancelled } from '../protocol/client';
import { current } from './opening';
import { pick } from './picking';
import { nextTheme } from './theme';
import { tell } from '../ui/save';
import { room } from './width';

export function startShortcuts(help: () => void): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    const typing = event.target instanceof HTMLElement && event.target.matches('input:not([type=range], [type=checkbox]), select, textarea');
    if (event.key === 'Escape') {
      if (typing) leaveField(event);
      else leaveDetails();
      return;
    }
    if (typing) return;
    const act = actOf(event, help);
    if (!act) return;
    event.preventDefault();
    act();
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}

function actOf(event: KeyboardEvent, help: () => void): (() => void) | undefined {
  const everywhere: Record<string, () => void> = { '?': help, o: () => void pick(), t: nextTheme, '/': () => focus('search') };
  const now = current.peek();
  if (now.kind === 'history') {
    const views: Record<string, () => void> = { 1: () => now.model.show('table'), 2: () => now.model.show('timeline') };
    return views[event.key] ?? everywhere[event.key];
  }
  return (now.kind === 'log' ? logActs(now.model, event)[event.key] : undefined) ?? everywhere[event.key];
}

function logActs(model: LogModel, event: KeyboardEvent): Record<string, () => void> {
  const slider = event.target instanceof HTMLInputElement;
  const moves: Record<string, () => void> = slider
    ? {}
    : { ArrowLeft: () => model.go(model.line.peek() - 1 || 1, 'replace'), ArrowRight: () => model.go(model.line.peek() + 1, 'replace') };
  return {
    ...moves,
    n: () => again(model, false),
    N: () => again(model, true),
    p: () => void problem(model, 1),
    P: () => void problem(model, -1),
    g: () => focus('goto'),
    f: () => model.follower.toggle(),
    1: () => (room.peek() === 'narrow' ? model.show('lines') : document.querySelector<HTMLElement>('.lines')?.focus()),
    2: () => model.show('state'),
    3: () => (room.peek() === 'wide' ? document.querySelector<HTMLElement>('.keys [tabindex="0"], .keys')?.focus() : model.show('keys')),
    4: () => {
      model.show('problems');
      // Once it is drawn.
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.problems-pane [tabindex="0"]')?.focus());
    },
  };
}

/** The next match; without a search, the field for one. */
function again(model: LogModel, backward: boolean): void {
  if (model.search.needle.peek() === '') focus('search');
  else void model.search.find(backward);
}

/** The next problem after the reader's line, or the last one before it. */
async function problem(model: LogModel, step: 1 | -1): Promise<void> {
  const kept = model.summary.peek()?.problems.kept ?? 0;
  if (kept === 0) return;
  try {
    const problems = await model.call('problems', { first: 0, count: kept });
    const here = model.line.peek();
    const next = step > 0 ? problems.find(({ line }) => line > here) : problems.findLast(({ line }) => line < here);
    if (next) model.visit(next.line, 'push');
    else tell(step > 0 ? 'No problem after this line' : 'No problem before this line');
  } catch (error) {
    if (!(error instanceof Cancelled)) model.failed(error);
  }
}

function focus(id: string): void {
  document.getElementById(id)?.focus();
}

/** Empties a field to search in, so that what it did is undone; leaves one that is empty. */
function leaveField(event: KeyboardEvent): void {
  const field = event.target as HTMLInputElement;
  // A browser empties it as well, but without a word where the field has lost the focus meanwhile.
  event.preventDefault();
  if (field.type === 'search' && field.value !== '') {
    field.value = '';
    field.dispatchEvent(new Event('input', { bubbles: true }));
  } else (document.querySelector<HTMLElement>('main[tabindex]') ?? field).focus();
}

function leaveDetails(): void {
  const now = current.peek();
  if (now.kind !== 'history' || now.model.selected.peek() === null) return;
  now.model.select(null);
  document.querySelector<HTMLElement>('.table, .gantt canvas')?.focus();
}
