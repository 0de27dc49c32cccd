declare const __ONE_FILE__: boolean;

declare module 'virtual:core-urls' {
  const urls: Partial<Record<'log' | 'history', string>>;
  export default urls;
}

// Trusted Types are not part of the DOM types that come with the compiler.
interface TrustedTypesPolicyRules {
  createScriptURL(url: string): string | null;
}
declare var trustedTypes: { createPolicy(name: string, rules: TrustedTypesPolicyRules): unknown } | undefined;

// The compiler's types for pages and for workers exclude each other: this is what the worker uses
// beyond what both have.
interface DedicatedWorkerGlobalScope {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
