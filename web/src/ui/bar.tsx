// A progress bar of a percentage.
export function Bar({ part, label }: { part: number; label: string }) {
  return (
    <span class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={part}>
      <span class="bar-done" style={{ width: `${part}%` }} />
    </span>
  );
}
