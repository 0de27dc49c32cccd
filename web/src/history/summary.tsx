// What happened, in a few numbers: how many tasks, how they ended, how long they take by name.
import type { NameFigures } from '../protocol/messages';
import { count } from '../text/number';
import { formatDuration } from '../text/time';
import { clip, visible } from '../text/visible';
import { outcomeColour } from './gantt-paint';
import { outcomeName } from './legend';
import type { HistoryModel } from './model';

export function Summary({ model }: { model: HistoryModel }) {
  const figures = model.queried.value?.figures;
  if (!figures) return null;
  const { tasks, open, notSucceeded, lost, outcomes, names } = figures;
  return (
    <section class="summary" aria-label="Summary">
      <ul class="cards">
        <Card title="tasks" value={tasks} />
        <Card title="not over" value={open} tone="running" />
        <Card title="not succeeded" value={notSucceeded} tone="failed" />
        <Card title="lost" value={lost} tone="lost" />
      </ul>
      <div class="shares">
        <div class="share-bar" aria-hidden="true">
          {outcomes.filter(({ count: size }) => size > 0).map(({ word, count: size }) => (
            <span key={word} class={`share ${outcomeColour(word)}`} style={{ flexGrow: size }} />
          ))}
        </div>
        <ul class="share-list">
          {outcomes.map(({ word, count: size }) => (
            <li key={word}>
              <button type="button" class={size > 0 ? 'quiet' : 'quiet dim'} aria-pressed={model.only.value.outcome === word} onClick={() => model.filter({ outcome: model.only.peek().outcome === word ? null : word })}>
                <span class={`dot ${outcomeColour(word)}`} aria-hidden="true" />
                {outcomeName(word)} <b>{count(size)}</b>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <details class="by-name">
        <summary>
          Duration by name <span class="dim">{count(names.length)}</span>
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
        </div>
      </details>
    </section>
  );
}

function Card({ title, value, tone }: { title: string; value: number; tone?: string }) {
  return (
    <li class={`card ${value > 0 && tone ? tone : ''}`}>
      <b>{count(value)}</b>
      <span>{title}</span>
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
