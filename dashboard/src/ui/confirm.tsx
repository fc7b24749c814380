/** Asks before something is done: what will happen, and who does it. */
import { Dialog, DialogDismiss, DialogHeading } from '@ariakit/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { act, ApiError, setWhoActs, whoActs } from '../data/api.js';
import { say } from './toasts.js';

export interface Deed {
  /** Path of the action. */
  readonly path: string;
  readonly body: object;
}

interface Props {
  /** On the button that opens the dialog. */
  readonly label: ReactNode;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** On the button that does it. */
  readonly confirm: string;
  readonly deed: Deed | (() => Deed | undefined);
  readonly danger?: boolean;
  readonly className?: string;
  readonly disabled?: boolean;
}

export function Confirm({
  label,
  title,
  children,
  confirm,
  deed,
  danger = false,
  className = 'button',
  disabled,
}: Props) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState(whoActs);
  const acting = useAct();
  const go = (): void => {
    const { path, body } = (typeof deed === 'function' ? deed() : deed) ?? { path: '', body: {} };
    if (path === '') return;
    setWhoActs(name);
    acting.mutate({ path, body }, { onSuccess: () => setOpen(false) });
  };
  return (
    <>
      <button type="button" className={className} disabled={disabled} onClick={() => setOpen(true)}>
        {label}
      </button>
      <Dialog
        open={isOpen}
        onClose={() => setOpen(false)}
        className="dialog"
        backdrop={<div className="veil" />}
        unmountOnHide
      >
        <DialogHeading>{title}</DialogHeading>
        <div className="stack tight soft">{children}</div>
        <label className="named">
          Your name, for the audit
          <input className="field" value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        </label>
        {acting.isError && (
          <p role="alert" className="problem">
            {acting.error.message}
            {acting.error instanceof ApiError && acting.error.hint !== undefined && ` ${acting.error.hint}`}
          </p>
        )}
        <div className="buttons">
          <DialogDismiss className="button">Cancel</DialogDismiss>
          <button
            type="button"
            className={`button ${danger ? 'danger' : 'primary'}`}
            disabled={acting.isPending}
            onClick={go}
          >
            {acting.isPending ? 'Working…' : confirm}
          </button>
        </div>
      </Dialog>
    </>
  );
}

/** Does something, says what was done, and has everything that is shown read again. */
export function useAct() {
  const queries = useQueryClient();
  const [, go] = useLocation();
  return useMutation({
    mutationFn: ({ path, body }: Deed) => act(path, body),
    onSuccess: async ({ said, link }) => {
      say(said);
      if (link !== undefined) go(`/r/${link}`);
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
    },
  });
}

interface PlainProps extends Deed {
  readonly children: ReactNode;
  readonly className?: string;
  readonly disabled?: boolean;
}

/** For what does no harm: done at once. */
export function ActButton({ path, body, children, className = 'button', disabled = false }: PlainProps) {
  const acting = useAct();
  return (
    <button
      type="button"
      className={className}
      disabled={disabled || acting.isPending}
      onClick={() => acting.mutate({ path, body }, { onError: (error) => say(error.message, 'bad') })}
    >
      {children}
    </button>
  );
}
