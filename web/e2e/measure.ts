// Measures what the project promises and prints it beside the promise. Medians of five.
import type { CDPSession, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dropFiles, onBuilds, opened, stateAt } from './browser';
import { FILES, makeGigabyte } from './files';

const RUNS = 5;
const median = (numbers: number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const p95 = (numbers: number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * 0.95)] ?? NaN;

function say(what: string, value: number, unit: string, limit: number): void {
  const mark = value <= limit ? 'holds' : 'OVER';
  process.stdout.write(`${mark.padEnd(6)} ${what.padEnd(48)} ${value.toFixed(1).padStart(9)} ${unit}, at most ${limit}\n`);
}

interface Clock {
  dropped: number;
  rows: number;
  done: number;
  long: number[];
}
declare global {
  interface Window {
    clock: Clock;
  }
}

/** Notes when a dropped log shows its first rows, when it is read, and tasks that block the page. */
async function startClock(page: Page): Promise<void> {
  await page.evaluate(() => {
    const clock: Clock = { dropped: 0, rows: 0, done: 0, long: [] };
    window.clock = clock;
    new PerformanceObserver((list) => clock.long.push(...list.getEntries().map((entry) => entry.duration))).observe({ entryTypes: ['longtask'] });
    addEventListener('drop', () => (clock.dropped = performance.now()), true);
    const look = (): void => {
      const now = performance.now();
      if (clock.dropped && !clock.rows && document.querySelector('.line .text')?.textContent) clock.rows = now - clock.dropped;
      if (clock.dropped && document.querySelector('.figures[data-done=true]')) clock.done = now - clock.dropped;
      else requestAnimationFrame(look);
    };
    look();
  });
}

async function openTimed(page: Page, url: string, file: string): Promise<Clock> {
  await page.goto('about:blank');
  await page.goto(url);
  await expect.poll(() => page.workers().length).toBe(1);
  // The worker that waits is ready once it answers; a person takes longer than that to drop a file.
  await page.workers()[0]?.evaluate(() => 1);
  await startClock(page);
  await dropFiles(page, [file]);
  await page.waitForFunction(() => window.clock.done > 0, null, { timeout: 60_000 });
  await stateAt(page, Number(await page.getByRole('slider').getAttribute('max')));
  return page.evaluate(() => window.clock);
}

/** Milliseconds of script, style and layout that the page has spent. */
async function spent(client: CDPSession): Promise<number> {
  const { metrics } = await client.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return (of('ScriptDuration') + of('LayoutDuration') + of('RecalcStyleDuration')) * 1000;
}

async function perStep(page: Page, steps: number, act: (n: number) => Promise<void>): Promise<number[]> {
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const costs: number[] = [];
  for (let n = 0; n < steps; n++) {
    const before = await spent(client);
    await act(n);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    costs.push((await spent(client)) - before);
  }
  await client.detach();
  return costs;
}

onBuilds(['site'], (viewer) => {
  test('100 MB', async () => {
    const runs: Clock[] = [];
    for (let n = 0; n < RUNS; n++) runs.push(await openTimed(viewer.page, viewer.url, FILES.hundred));
    say('100 MB: first rows', median(runs.map(({ rows }) => rows)), 'ms', 150);
    say('100 MB: whole index', median(runs.map(({ done }) => done)), 'ms', 1000);
    say('100 MB: longest task of the page', median(runs.map(({ long }) => Math.max(0, ...long))), 'ms', 50);
  }, 120_000);

  test('1 GB, states, scrolling', async () => {
    const { page } = viewer;
    const file = makeGigabyte();
    const runs: Clock[] = [];
    for (let n = 0; n < RUNS; n++) runs.push(await openTimed(page, viewer.url, file));
    say('1 GB: whole index', median(runs.map(({ done }) => done)) / 1000, 's', 8);
    say('1 GB: memory of the core', Number(await page.locator('.figures').getAttribute('data-memory')) / (1 << 20), 'MiB', 64);
    const times = await page.evaluate(async () => {
      const total = Number(document.querySelector<HTMLInputElement>('#scrubber')?.max);
      const goto = document.querySelector<HTMLInputElement>('#goto');
      const found: number[] = [];
      let seed = 7;
      for (let n = 0; n < 100; n++) {
        seed = (seed * 48_271) % 2_147_483_647;
        const line = 1 + Math.floor((seed / 2_147_483_647) * (total - 1));
        const wanted = `at line ${line.toLocaleString('en-US')}`;
        const title = document.querySelector('.state-pane h2');
        const start = performance.now();
        if (goto) goto.value = String(line);
        goto?.dispatchEvent(new Event('change'));
        await new Promise<void>((done) => {
          const observer = new MutationObserver(() => {
            if (!title?.textContent?.endsWith(wanted)) return;
            observer.disconnect();
            done();
          });
          if (title) observer.observe(title, { childList: true, characterData: true, subtree: true });
        });
        found.push(performance.now() - start);
      }
      return found;
    });
    say('1 GB: state at a random line, median', median(times), 'ms', 50);
    say('1 GB: state at a random line, p95', p95(times), 'ms', 50);
    const lines = page.getByRole('listbox', { name: 'Lines' });
    await lines.hover();
    let nodes = 0;
    const costs = await perStep(page, 100, async (n) => {
      if (n % 20 === 0) await lines.evaluate((element, part) => (element.scrollTop = part * element.scrollHeight), n / 100);
      else await page.mouse.wheel(0, n % 2 ? 120 : 900);
      nodes = Math.max(nodes, await page.locator('.line').count());
    });
    say('50 million lines: row nodes', nodes, '', 79);
    say('50 million lines: script and layout a step, p95', p95(costs), 'ms', 8);
  }, 300_000);

  test('200,000 tasks', async () => {
    const { page } = viewer;
    await dropFiles(page, [FILES.large]);
    await opened(page);
    await page.locator('.list-row .cell.name').first().waitFor();
    const timed = (act: string): Promise<number> =>
      page.evaluate(async (selector) => {
        const rows = (): string => [...document.querySelectorAll('.list-row .cell.id')].map((cell) => cell.textContent).join();
        const before = rows();
        const start = performance.now();
        const [kind, target = '', value = ''] = selector.split('|');
        const element = document.querySelector<HTMLElement>(target);
        if (kind === 'click') element?.click();
        else if (element instanceof HTMLSelectElement) {
          element.value = value;
          element.dispatchEvent(new Event('change', { bubbles: true }));
        }
        for (;;) {
          const now = rows();
          if (now !== before && /^\d+(,\d+)*$/.test(now)) return performance.now() - start;
          await new Promise((done) => requestAnimationFrame(done));
        }
      }, act);
    const sorts: number[] = [];
    for (const column of ['name', 'outcome', 'duration', 'host', 'info1', 'id', 'exit']) sorts.push(await timed(`click|.cell.${column} button|`));
    say('200,000 tasks: sort, worst column', Math.max(...sorts), 'ms', 300);
    const filters: number[] = [];
    for (const outcome of ['failed', '', 'lost', '']) filters.push(await timed(`choose|select[aria-label=Outcome]|${outcome}`));
    say('200,000 tasks: filter, worst', Math.max(...filters), 'ms', 300);
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await expect.poll(() => page.locator('.gantt canvas').getAttribute('aria-label')).toContain('20,000 tasks');
    await page.locator('.gantt canvas').hover();
    await page.keyboard.down('Shift');
    // Zoomed in by a half, about 10,000 bars are in view.
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await page.locator('.gantt canvas').hover();
    const pans = await perStep(page, 60, (n) => page.mouse.wheel(0, n % 30 < 15 ? 60 : -60));
    await page.keyboard.up('Shift');
    say('10,000 bars: script of a pan, p95', p95(pans), 'ms', 16);
  }, 120_000);
});
