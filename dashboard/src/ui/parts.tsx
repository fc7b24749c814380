/** Small parts that every page uses. */
import { CircleCheck, CloudAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError } from '../data/api.js';
import { ago, clock } from '../data/format.js';
import { useNow } from '../data/time.js';

export type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'inward';

export function Badge({ tone = 'plain', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

export function Dot({ tone, live = false }: { readonly tone: Tone; readonly live?: boolean }) {
  return <span className={`dot ${tone}${live ? ' live' : ''}`} aria-hidden="true" />;
}

/** A moment, as people say it; the exact time is in its title. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={clock(at)} className="nowrap">
      {ago(at, now)}
    </time>
  );
}

interface EmptyProps {
  readonly icon?: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ icon: Icon = CircleCheck, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <Icon aria-hidden="true" />
      <p className="strong">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const hint = error instanceof ApiError ? error.hint : undefined;
  return (
    <div className="empty failed" role="alert">
      <CloudAlert aria-hidden="true" />
      <p className="strong">{error instanceof Error ? error.message : String(error)}</p>
      {hint !== undefined && <p>{hint}</p>}
      {onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Lines that stand where text will be. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div className="stack tight card-body" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className={`ghost ghost-${index % 3}`} />
      ))}
    </div>
  );
}
