// Where the keyboard goes on.

/** To the table or the timeline. */
export function toTasks(): void {
  document.querySelector<HTMLElement>('.table, .gantt canvas')?.focus();
}

export function toDetails(): void {
  document.getElementById('details')?.focus();
}
