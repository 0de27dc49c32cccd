// What went wrong, with what, and what to do; or what is good to know.
import { useEffect, useRef } from 'preact/hooks';
import { visible } from '../text/visible';
import { type Notice, notice } from './opening';

export function NoticeBar({ notice: { title, text, calm } }: { notice: Notice }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!calm) box.current?.focus();
  }, [title, text]);
  return (
    <div ref={box} class={calm ? 'notice calm' : 'notice'} role={calm ? 'status' : 'alert'} tabIndex={-1}>
      <div>
        <b>{visible(title)}</b>
        <p>{visible(text)}</p>
      </div>
      <button type="button" class="quiet" onClick={() => (notice.value = null)}>
        Dismiss
      </button>
    </div>
  );
}
