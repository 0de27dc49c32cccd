// Every view in every theme and width: no violation that axe-core knows, and nothing cut off.
// With SHOTS=folder the pages are also saved as pictures, to be looked at.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { accessible, dropFiles, onBuilds, opened, openSample } from './browser';
import { FILES } from './files';

const SIZES = { wide: { width: 1360, height: 860 }, medium: { width: 900, height: 700 }, narrow: { width: 390, height: 800 } };

async function look(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await accessible(page);
      const folder = process.env['SHOTS'];
      if (!folder) continue;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
  await accessible(page);
  if (process.env['SHOTS']) await page.screenshot({ path: join(process.env['SHOTS'], `${name}-forced.png`) });
  await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'no-preference' });
  await page.setViewportSize(SIZES.wide);
}

onBuilds(['one file'], (viewer) => {
  test('the first page, the help and a refusal', async () => {
    const { page } = viewer;
    await look(page, 'landing');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await look(page, 'help');
    await page.keyboard.press('Escape');
    await dropFiles(page, [FILES.gzip]);
    await page.getByRole('alert').waitFor();
    await look(page, 'refusal');
  }, 120_000);

  test('the log view, pane by pane', async () => {
    const { page } = viewer;
    await openSample(page, 'A test run');
    await page.getByRole('slider').fill('1272');
    await page.locator('.pair').first().waitFor();
    await look(page, 'log-lines');
    await page.keyboard.press('2');
    await look(page, 'log-state');
    await page.keyboard.press('4');
    await page.locator('.problem').first().waitFor();
    await look(page, 'log-problems');
    await page.setViewportSize(SIZES.narrow);
    await page.getByRole('tab', { name: 'Keys' }).click();
    await look(page, 'log-keys');
  }, 180_000);

  test('a final report', async () => {
    const { page } = viewer;
    await openSample(page, 'A final report');
    await page.locator('.pair summary').first().click();
    await look(page, 'log-report');
    await dropFiles(page, [FILES.hostileLog]);
    await opened(page);
    await look(page, 'log-hostile');
  }, 120_000);

  test('the history view: table, details, timeline', async () => {
    const { page } = viewer;
    await openSample(page, 'A week of history');
    await page.locator('.list-row .cell.name').first().waitFor();
    await look(page, 'history-table');
    await page.locator('.by-name summary').click();
    await page.locator('.list-row', { hasText: 'regression' }).first().click();
    await page.locator('.details h2').waitFor();
    await look(page, 'history-details');
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.locator('.by-name summary').click();
    await page.keyboard.press('2');
    await page.locator('.gantt canvas').waitFor();
    await look(page, 'history-timeline');
  }, 180_000);
});
