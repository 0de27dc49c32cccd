// What happened, in a few numbers: how many tasks, how they ended, how long they take by name.
import { type Figure, type NameFigures, NOT_OVER, NOT_SUCCEEDED } from '../protocol/messages';
import { count, plural } from '../text/number';
import { formatDuration } from '../text/time';
import { clip, visible } from '../text/visible';
import { outcomeColour } from './gantt-paint';
import { outcomeName } from './legend';
import type { HistoryModel } from './model';

export function Summary({ model }: { model: HistoryModel }) {
  const figures = model.queried.value?.figures;
  if (!figures) return null;
  const { tasks, open, notSucceeded, lost, outcomes, moreOutcomes, names, moreNames } = figures;
  return (
    <section class="summary" aria-label="Summary">
      <ul class="cards">
        <li class="card">
          <Value figure={tasks} />
          <span>tasks</span>
        </li>
        <Card model={model} title="not over" outcome={NOT_OVER} figure={open} tone="running" />
        <Card model={model} title="not succeeded" outcome={NOT_SUCCEEDED} figure={notSucceeded} tone="failed" />
        <Card model={model} title="lost" outcome="lost" figure={lost} tone="lost" />
      </ul>
      <div class="shares">
        <div class="share-bar" aria-hidden="true">
          {outcomes.filter(({ count: size }) => size > 0).map(({ word, count: size }) => (
            <span key={word} class={`share ${outcomeColour(word)}`} style={{ flexGrow: size }} />
          ))}
        </div>
        <ul class="share-list">
          {outcomes.map(({ word, ...figure }) => (
            <li key={word}>
              <button type="button" class={figure.count > 0 ? 'quiet' : 'quiet dim'} aria-pressed={model.only.value.outcome === word} onClick={() => model.toggleOutcome(word)}>
                <span class={`dot ${outcomeColour(word)}`} aria-hidden="true" />
                {outcomeName(word)} <Value figure={figure} />
              </button>
            </li>
          ))}
          {moreOutcomes > 0 && <li class="dim">and {plural(moreOutcomes, 'rarer one')}</li>}
        </ul>
      </div>
      <details class="by-name">
        <summary>
          Duration by name <span class="dim">{count(names.length + moreNames)}</span>
        </summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Duration by name">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" class="n">Tasks</th>
                <th scope="col" class="n">Not succeeded</th>
                <th scope="col" class="n">p50</th>
                <th scope="col" class="n">p95</th>
              </tr>
            </thead>
            <tbody>
              {names.map((one) => (
                <ByName key={one.name} model={model} figures={one} />
              ))}
            </tbody>
          </table>
          {moreNames > 0 && <p class="more">and {plural(moreNames, 'rarer name')}: search for them</p>}
        </div>
      </details>
    </section>
  );
}

/** As wide as it can become: what is clicked stays where it is, whatever a filter leaves. */
function Value({ figure: { count: size, all } }: { figure: Figure }) {
  return <b style={{ minWidth: `${count(all).length}ch` }}>{count(size)}</b>;
}

interface CardProps {
  model: HistoryModel;
  title: string;
  /** What the table shows of when it is pressed. */
  outcome: string;
  figure: Figure;
  tone: string;
}

function Card({ model, title, outcome, figure, tone }: CardProps) {
  return (
    <li>
      <button type="button" class={`quiet card ${figure.count > 0 ? tone : ''}`} aria-pressed={model.only.value.outcome === outcome} onClick={() => model.toggleOutcome(outcome)}>
        <Value figure={figure} />
        <span>{title}</span>
      </button>
    </li>
  );
}

function ByName({ model, figures }: { model: HistoryModel; figures: NameFigures }) {
  return (
    <tr>
      <th scope="row">
        <button type="button" class="quiet" onClick={() => model.filter({ name: figures.name })}>
          {clip(visible(figures.name), 60) || 'without a name'}
        </button>
      </th>
      <td class="n">{count(figures.tasks)}</td>
      <td class="n">{figures.notSucceeded > 0 ? count(figures.notSucceeded) : '–'}</td>
      <td class="n">{formatDuration(figures.p50) || '–'}</td>
      <td class="n">{formatDuration(figures.p95) || '–'}</td>
    </tr>
  );
}
