// A row of tabs, moved along with the arrow keys as screen readers announce it.
import type { ComponentChildren } from 'preact';

export interface Tab<T extends string> {
  id: T;
  title: string;
  badge?: string | undefined;
}

interface Props<T extends string> {
  label: string;
  tabs: readonly Tab<T>[];
  chosen: T;
  choose: (id: T) => void;
  name: string;
}

export function Tabs<T extends string>({ label, tabs, chosen, choose, name }: Props<T>) {
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = tabs.findIndex((tab) => tab.id === chosen);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.id);
    document.getElementById(`${name}-tab-${next.id}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          id={`${name}-tab-${tab.id}`}
          aria-selected={tab.id === chosen}
          aria-controls={tab.id === chosen ? `${name}-panel` : undefined}
          tabIndex={tab.id === chosen ? 0 : -1}
          onClick={() => choose(tab.id)}
        >
          {tab.title}
          {tab.badge !== undefined && <span class="badge">{tab.badge}</span>}
        </button>
      ))}
    </div>
  );
}

export function TabPanel({ name, chosen, children, class: extra }: { name: string; chosen: string; children: ComponentChildren; class?: string }) {
  return (
    <div class={`tab-panel ${extra ?? ''}`} role="tabpanel" id={`${name}-panel`} aria-labelledby={`${name}-tab-${chosen}`}>
      {children}
    </div>
  );
}
