/** What is searched for. It may be personal: it stays in this page's memory, out of addresses and of the history. */
import { useSyncExternalStore } from 'react';

let wanted = '';
const listeners = new Set<() => void>();

export function want(text: string): void {
  wanted = text;
  for (const listener of listeners) listener();
}

export function useWanted(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
  );
}
