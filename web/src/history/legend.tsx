// What the colours mean, in words beside each.
import { visible } from '../text/visible';
import { outcomeColour } from './gantt-paint';

const STATUSES = ['running', 'silent', 'stalled'];
const OUTCOMES = ['succeeded', 'failed', 'signalled', 'timeout', 'killed', 'lost'];

export function Legend() {
  return (
    <p class="legend">
      {[...STATUSES, ...OUTCOMES].map((word) => (
        <Outcome key={word} word={word} />
      ))}
    </p>
  );
}

/** As people say it: statuses and outcomes alike. */
export function outcomeName(word: string): string {
  return outcomeColour(word) === 'unknown' ? visible(word) : word.toLowerCase().replace('_', ' ');
}

export function Outcome({ word }: { word: string }) {
  return (
    <span class="outcome">
      <span class={`dot ${outcomeColour(word)}`} aria-hidden="true" />
      {outcomeName(word)}
    </span>
  );
}
