// The frame around every view: header, what is open, notices, help.
import { effect, useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { HistoryView } from '../history/history-view';
import { LogView } from '../log/log-view';
import { told } from '../ui/save';
import { Header } from './header';
import { Help } from './help';
import { Landing } from './landing';
import { NoticeBar } from './notice-bar';
import { current, notice } from './opening';
import { acceptDrops } from './picking';
import { startShortcuts } from './shortcuts';

export function App() {
  const hovering = useSignal(false);
  const help = useSignal(false);
  // Before the first paint: whoever sees the page can use it.
  useLayoutEffect(() => acceptDrops((over) => (hovering.value = over)), []);
  // What comes while the help is open is not to come behind it.
  useLayoutEffect(() => effect(() => {
    void current.value;
    void notice.value;
    help.value = false;
  }), []);
  useLayoutEffect(() => startShortcuts(() => (help.value = !help.value)), []);
  const now = current.value;
  return (
    <>
      <Header onHelp={() => (help.value = true)} />
      {notice.value && <NoticeBar notice={notice.value} />}
      {now.kind === 'none' && <Landing />}
      {now.kind === 'opening' && (
        <main class="landing">
          <p role="status">Opening {now.name}…</p>
        </main>
      )}
      {now.kind === 'log' && <LogView key={now.model.id} model={now.model} />}
      {now.kind === 'history' && <HistoryView key={now.model.id} model={now.model} />}
      {help.value && <Help close={() => (help.value = false)} />}
      {hovering.value && (
        <div class="drop-veil" aria-hidden="true">
          <p>Drop to open. Nothing leaves this computer.</p>
        </div>
      )}
      <div class={told.value ? 'toast shown' : 'toast'} role="status">
        {told.value}
      </div>
    </>
  );
}
