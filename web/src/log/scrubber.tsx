// The one slider that drives every pane, with marks where problems are.
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { colour, dark } from '../app/theme';
import { count } from '../text/number';
import type { LogModel } from './model';

/** Half the thumb: the track's ends are that far inside. */
const INSET = 8;

export function Scrubber({ model }: { model: LogModel }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const lines = model.lines.value;
  const line = model.line.value;

  useSignalEffect(() => {
    void dark.value;
    void model.problems.version.value;
    const total = model.lines.value;
    const { kept = 0, total: found = 0 } = model.summary.value?.problems ?? {};
    const element = canvas.current;
    if (!element) return;
    const paint = (marks: number[]): void => paintMarks(element, marks, total, found > kept);
    if (kept === 0 || total === 0 || !model.done.value) return paint([]);
    model.call('problems', { first: 0, count: kept }).then(
      (problems) => paint(problems.map((problem) => problem.line)),
      (error: unknown) => model.failed(error),
    );
  });

  return (
    <div class="scrubber">
      <button type="button" class="step" aria-label="Previous line" disabled={line <= 1} onClick={() => model.go(line - 1, 'replace')}>‹</button>
      <div class="track">
        <canvas ref={canvas} class="track-marks" aria-hidden="true" />
        <input
          type="range"
          id="scrubber"
          min={lines > 0 ? 1 : 0}
          max={lines}
          step={1}
          value={line}
          disabled={lines === 0}
          aria-label="Line"
          aria-valuetext={`Line ${count(line)} of ${count(lines)}`}
          onInput={(event) => model.go(event.currentTarget.valueAsNumber, 'replace')}
        />
      </div>
      <button type="button" class="step" aria-label="Next line" disabled={line >= lines} onClick={() => model.go(line + 1, 'replace')}>›</button>
      <label class="goto">
        <span class="offscreen">Go to line</span>
        <input
          type="text"
          id="goto"
          inputMode="numeric"
          autocomplete="off"
          value={count(line)}
          size={Math.max(5, count(lines).length)}
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => {
            // Separators of thousands, but not of fractions.
            const wanted = Number(event.currentTarget.value.replace(/[\s_]|[,.](?=\d{3}\b)/g, '').replace(',', '.'));
            if (Number.isFinite(wanted) && wanted > 0) model.go(wanted, 'push');
            event.currentTarget.value = count(model.line.peek());
          }}
        />
        <span class="dim">of {count(lines)}</span>
      </label>
    </div>
  );
}

/** `more`: behind the last mark there are others, of which only the number is known. */
function paintMarks(element: HTMLCanvasElement, marks: number[], total: number, more: boolean): void {
  const ratio = devicePixelRatio || 1;
  const width = element.clientWidth;
  const height = element.clientHeight;
  element.width = Math.round(width * ratio);
  element.height = Math.round(height * ratio);
  const context = element.getContext('2d');
  if (!context || total < 1) return;
  context.scale(ratio, ratio);
  context.fillStyle = colour('bad');
  const taken = new Set<number>();
  const xOf = (line: number): number => Math.round(INSET + ((line - 1) / Math.max(1, total - 1)) * (width - 2 * INSET));
  if (more) {
    context.globalAlpha = 0.35;
    const from = xOf(marks.at(-1) ?? 1);
    context.fillRect(from, 0, width - INSET - from, height);
    context.globalAlpha = 1;
  }
  for (const mark of marks) {
    const x = xOf(mark);
    if (taken.has(x)) continue;
    taken.add(x);
    context.fillRect(x, 0, 1.5, height);
  }
}
