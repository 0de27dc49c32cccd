// The ways in: dropping files on the page, and the browser's file dialog.
import { openSource, type Source } from './opening';

declare global {
  interface DataTransferItem {
    getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
  }
  interface Window {
    showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
  }
}

/** Opens the dialog; the handles it gives let a growing file be followed. */
export async function pick(): Promise<void> {
  if (!window.showOpenFilePicker) return pickByInput();
  let handles: FileSystemFileHandle[];
  try {
    handles = await window.showOpenFilePicker({ multiple: true });
  } catch (error) {
    // Refused by the page's surroundings, as in a frame: the plain dialog still works.
    if (error instanceof DOMException && error.name === 'SecurityError') pickByInput();
    return;
  }
  const files = await Promise.all(handles.map((handle) => handle.getFile()));
  await openSource({ files, handles, sample: null });
}

function pickByInput(): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.onchange = () => void openSource({ files: [...(input.files ?? [])], handles: [], sample: null });
  input.click();
}

/** Watches the whole page; `over` says whether files hover above it. */
export function acceptDrops(over: (hovering: boolean) => void): () => void {
  let depth = 0;
  const carries = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  const enter = (event: DragEvent): void => {
    if (!carries(event)) return;
    event.preventDefault();
    depth++;
    over(true);
  };
  const leave = (event: DragEvent): void => {
    if (!carries(event)) return;
    depth = Math.max(0, depth - 1);
    if (depth === 0) over(false);
  };
  const hover = (event: DragEvent): void => {
    if (!carries(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  };
  const drop = (event: DragEvent): void => {
    if (!event.dataTransfer) return;
    event.preventDefault();
    depth = 0;
    over(false);
    // The transfer is empty after the event: everything is taken out of it at once.
    void dropped(event.dataTransfer).then((source) => openSource(source));
  };
  addEventListener('dragenter', enter);
  addEventListener('dragleave', leave);
  addEventListener('dragover', hover);
  addEventListener('drop', drop);
  return () => {
    removeEventListener('dragenter', enter);
    removeEventListener('dragleave', leave);
    removeEventListener('dragover', hover);
    removeEventListener('drop', drop);
  };
}

async function dropped(transfer: DataTransfer): Promise<Source> {
  const files = [...transfer.files];
  const asked = [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => item.getAsFileSystemHandle?.().catch(() => null) ?? null);
  const found = await Promise.all(asked);
  const handles = found.filter((handle): handle is FileSystemFileHandle => handle?.kind === 'file');
  return { files, handles: handles.length === files.length ? handles : [], sample: null };
}
