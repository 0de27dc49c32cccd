// Drawing once a frame: of all that is asked for meanwhile only the newest is drawn.
const waiting = new WeakMap<object, () => void>();

export function onFrame(owner: object, draw: () => void): void {
  const scheduled = waiting.has(owner);
  waiting.set(owner, draw);
  if (scheduled) return;
  requestAnimationFrame(() => {
    const latest = waiting.get(owner);
    waiting.delete(owner);
    latest?.();
  });
}
