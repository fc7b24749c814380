/** What was done, said for a while in a corner; what long actions came to arrives here, too. */
import { X } from 'lucide-react';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { useLive } from '../data/live.js';

interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

const shownMs = { good: 6_000, bad: 15_000 };
let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(changed: readonly Toast[]): void {
  toasts = changed;
  for (const listener of listeners) listener();
}

export function say(text: string, tone: Toast['tone'] = 'good'): void {
  const id = next++;
  set([...toasts.slice(-3), { id, tone, text }]);
  setTimeout(() => set(toasts.filter((one) => one.id !== id)), shownMs[tone]);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  const notices = useLive((state) => state.notices);
  const said = useRef(new Set<string>());
  useEffect(() => {
    for (const { at, text, tone } of notices) {
      if (said.current.has(at + text)) continue;
      said.current.add(at + text);
      say(text, tone);
    }
  }, [notices]);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, tone, text }) => (
        <div key={id} className={`toast ${tone}`}>
          <span className="grow">{text}</span>
          <button
            type="button"
            className="button plain icon"
            aria-label="Dismiss"
            onClick={() => set(toasts.filter((one) => one.id !== id))}
          >
            <X aria-hidden="true" />
          </button>
        </div>
      ))}
    </div>
  );
}
