// The first page: what can be opened, how, and something to try.
import { visible } from '../text/visible';
import { isElsewhere, openSample } from './opening';
import { pick } from './picking';
import { place } from './place';
import { SAMPLES } from './samples';

export function Landing() {
  const wanted = isElsewhere() ? place.value.get('file') : undefined;
  return (
    <main class="landing">
      <div class="drop-zone">
        <h1>See what a task did</h1>
        {wanted !== undefined ? (
          <p class="wanted" role="status">
            This link leads into <b>{visible(wanted)}</b>. Open that file and the view is as it was.
          </p>
        ) : (
          <p>Drop a file anywhere on this page. It is read here, in the browser; nothing leaves this computer.</p>
        )}
        <p>
          <button type="button" class="primary" onClick={() => void pick()}>
            Open a file…
          </button>
        </p>
        <dl class="kinds">
          <div>
            <dt>Feedback log</dt>
            <dd>The lines of one task: values at any line, charts, problems. Any size.</dd>
          </div>
          <div>
            <dt>Database</dt>
            <dd>
              <code>taskwatcher.db</code>, with its <code>-wal</code> file if there is one: drop both together.
            </dd>
          </div>
          <div>
            <dt>JSON export</dt>
            <dd>
              What <code>taskwatcher export</code> writes.
            </dd>
          </div>
        </dl>
      </div>
      <section aria-labelledby="samples">
        <h2 id="samples">Or try a sample</h2>
        <ul class="samples">
          {SAMPLES.map((sample) => (
            <li key={sample.name}>
              <button type="button" onClick={() => void openSample(sample.name)}>
                <b>{sample.title}</b>
                <span>{sample.about}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </main>
  );
}
