// What went wrong, with what, and what to do.
import { useEffect, useRef } from 'preact/hooks';
import { visible } from '../text/visible';
import { type Notice, notice } from './opening';

export function NoticeBar({ notice: { title, text } }: { notice: Notice }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), [title, text]);
  return (
    <div ref={box} class="notice" role="alert" tabIndex={-1}>
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
