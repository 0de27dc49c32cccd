// A Chromium that is watched, and the two builds to try in it.
//
// Every page error, console error and request is kept; `quiet` holds them to none but the build's
// own parts.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { violations } from './axe';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { serve } from './serve';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const WEB = fileURLToPath(new URL('..', import.meta.url));
const SITE = join(WEB, 'dist');
const ONE_FILE = join(WEB, 'onefile/taskwatcher-viewer.html');

export type Build = 'site' | 'one file';

export interface Viewer {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly url: string;
  /** Errors that the test at hand means to cause; they are taken off the list. */
  expectErrors(matching: RegExp): void;
  /** The same for requests that were tried and refused. */
  expectRequests(matching: RegExp): void;
}

/** Runs the same tests on the builds named, each in a page of its own. */
export function onBuilds(builds: readonly Build[], tests: (viewer: Viewer) => void): void {
  describe.each(builds)('%s', (build) => {
    let context: BrowserContext;
    let page: Page;
    let url: string;
    let stop = (): void => {};
    let errors: string[] = [];
    let requests: string[] = [];
    const profile = mkdtempSync(join(tmpdir(), 'viewer-profile-'));

    beforeAll(async () => {
      if (!existsSync(SITE) || !existsSync(ONE_FILE)) throw new Error('nothing is built yet: npm run build');
      if (build === 'site') {
        const server = await serve(SITE);
        url = server.url;
        stop = server.stop;
      } else url = pathToFileURL(ONE_FILE).href;
      context = await chromium.launchPersistentContext(profile, {
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        headless: true,
        args: FLAGS,
        viewport: { width: 1360, height: 860 },
        timezoneId: 'Europe/Berlin',
        locale: 'en-GB',
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      context.setDefaultTimeout(20_000);
      await context.addInitScript(countTimers);
      context.on('request', (request) => requests.push(request.url()));
      context.on('weberror', (error) => errors.push(String(error.error())));
      context.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
    });

    beforeEach(async () => {
      errors = [];
      requests = [];
      page = await context.newPage();
      await page.goto(url);
    });

    afterEach(async () => {
      await page.close();
      expect(errors).toEqual([]);
      const own = build === 'site' ? url : pathToFileURL(ONE_FILE).href;
      expect(requests.filter((request) => !request.startsWith(own) && !/^(blob|data):/.test(request))).toEqual([]);
    });

    afterAll(async () => {
      await context?.close();
      stop();
      rmSync(profile, { recursive: true, force: true });
    });

    tests({
      get page() {
        return page;
      },
      get context() {
        return context;
      },
      get url() {
        return url;
      },
      expectRequests(matching) {
        requests = requests.filter((request) => !matching.test(request));
      },
      expectErrors(matching) {
        errors = errors.filter((error) => !matching.test(error));
      },
    });
  });
}

/** Drops files from the disk as a hand would: the browser itself hands them to the page. */
export async function dropFiles(page: Page, paths: readonly string[]): Promise<void> {
  // What is open stays until the next file is: `opened` is not to take it for that one.
  await page.evaluate(() => document.querySelector('.figures')?.removeAttribute('data-done'));
  const client = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await client.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
  }
  await client.detach();
}

/** Waits until a log is read to its end or a history is loaded. */
export async function opened(page: Page): Promise<void> {
  await page.locator('.figures[data-done=true]').waitFor();
}

/** Waits until the state shown is that of a line. */
export async function stateAt(page: Page, line: number): Promise<void> {
  await expect.poll(() => page.locator('.state-pane h2').textContent()).toBe(`State at line ${line.toLocaleString('en-US')}`);
}

/** The page's short timers that have yet to run: until then the address is not what it will be. */
function countTimers(): void {
  const due = new Set<number>();
  const [set, clear] = [window.setTimeout.bind(window), window.clearTimeout.bind(window)];
  Object.assign(window, {
    dueTimers: due,
    setTimeout: (act: () => void, time = 0) => {
      const timer = set(() => {
        due.delete(timer);
        act();
      }, time);
      if (time < 1000) due.add(timer);
      return timer;
    },
    clearTimeout: (timer: number) => {
      due.delete(timer);
      clear(timer);
    },
  });
}

/** One step back or on, as a person does it, once the page has told the browser where it is. */
export async function step(page: Page, where: 'back' | 'on'): Promise<void> {
  await page.waitForFunction(() => (window as unknown as { dueTimers: Set<number> }).dueTimers.size === 0);
  await (where === 'back' ? page.goBack() : page.goForward());
}

/** Waits until the browser knows how far the list is scrolled. */
export async function noted(page: Page, top: number): Promise<void> {
  await page.waitForFunction((wanted) => (history.state as { top?: number } | null)?.top === wanted, top);
}

export async function openSample(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: title }).click();
  await opened(page);
}

/** Fails with what axe finds, rule by rule. */
export async function accessible(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([]);
}
