// Starts the viewer.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app/app';
import { isThere, openSample, returnTo, topNow, unexpected } from './app/opening';
import { noteTop, place, startPlace } from './app/place';
import { startTheme } from './app/theme';
import { startWidth } from './app/width';
import { Cancelled } from './protocol/client';
import { prepareClient } from './protocol/start';
import './style/tokens.css';
import './style/base.css';
import './style/log.css';
import './style/history.css';

startTheme();
startWidth();
startPlace({ restore: returnTo, top: topNow, isThere });
effect(() => {
  if (topNow() !== undefined) noteTop();
});
// What nobody expected is said, and not left to a silent page.
addEventListener('error', (event) => {
  // Sizes that settle a frame later; browsers report it as an error, and it is none.
  if (!event.message.startsWith('ResizeObserver loop')) unexpected(event.message);
});
addEventListener('unhandledrejection', (event) => {
  if (!(event.reason instanceof Cancelled)) unexpected(String(event.reason));
});
prepareClient();
const root = document.getElementById('app');
if (root) render(<App />, root);
const sample = place.value.get('sample');
if (sample !== undefined) void openSample(sample, true);
