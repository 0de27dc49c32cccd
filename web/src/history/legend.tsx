// What the colours mean, in words beside each.
import { type GanttData, NOT_OVER, NOT_SUCCEEDED } from '../protocol/messages';
import { visible } from '../text/visible';
import { outcomeColour, OUTCOMES, STATUSES } from './gantt-paint';

export interface Colours {
  statuses: string[];
  outcomes: string[];
}

/** What there is to explain in a timeline. */
export function coloursOf(data: GanttData): Colours {
  const statuses = new Set<string>();
  const outcomes = new Set<string>();
  for (let n = 1; n < data.points.length; n += 2) statuses.add(STATUSES[data.points[n] ?? -1] ?? 'unknown');
  data.outcome.forEach((code, bar) => {
    const open = Number.isNaN(data.end[bar] ?? NaN);
    (open ? statuses : outcomes).add(outcomeColour(data.outcomes[code] ?? ''));
  });
  return { statuses: STATUSES.filter((word) => statuses.has(word)), outcomes: OUTCOMES.filter((word) => outcomes.has(word)) };
}

/** Each bar is its statuses over a foot in the colour of its outcome. */
export function Legend({ colours }: { colours: Colours }) {
  return (
    <dl class="legend">
      <Part title="Bar: status" words={colours.statuses} />
      <Part title="Foot: outcome" words={colours.outcomes} />
    </dl>
  );
}

function Part({ title, words }: { title: string; words: string[] }) {
  if (words.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      {words.map((word) => (
        <dd key={word}>
          <Outcome word={word} />
        </dd>
      ))}
    </div>
  );
}

/** As people say it: statuses, outcomes and groups of them alike. */
export function outcomeName(word: string): string {
  const known = outcomeColour(word) !== 'unknown' || word === NOT_OVER || word === NOT_SUCCEEDED;
  return !known ? visible(word) : word.toLowerCase().replace(/[_-]/, ' ');
}

export function Outcome({ word }: { word: string }) {
  return (
    <span class="outcome">
      <span class={`dot ${outcomeColour(word)}`} aria-hidden="true" />
      {outcomeName(word)}
    </span>
  );
}
