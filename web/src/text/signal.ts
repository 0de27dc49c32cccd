// How a task was ended, from the column `termsignal`: a name, or in rows of 1.7 a wait status.

/** SIGKILL as it is; 9 and -9 as "signal 9"; nothing for 0. Others, such as 512, as stored:
 * 1.7 recorded statuses that were not those of the command, so that they tell no exit code. */
export function signalName(text: string): string {
  if (!/^-?\d{1,5}$/.test(text)) return text;
  const status = Number(text);
  const signal = status < 0 ? -status : status & 0x7f;
  if (signal > 0) return `signal ${signal}`;
  return status > 0 ? `wait status ${status}` : '';
}
