/** Calls of the dashboard's own API. Everything that could be personal goes into the body. */
import type { ActionAnswer, Session } from '../../../src/server/dashboard/contract.js';

export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

let csrf: string | null = null;
let onSignedOut: () => void = () => undefined;

/** Who is told when a session has ended meanwhile. */
export function whenSignedOut(call: () => void): void {
  onSignedOut = call;
}

export async function openSession(): Promise<Session> {
  return keep(await call<Session>('session', { method: 'GET' }));
}

export async function signIn(token: string): Promise<Session> {
  return keep(await call<Session>('session', post({ token })));
}

export async function signOut(): Promise<void> {
  await call('session/end', post({}));
}

/** Asks; `signal` lets go of an answer that nobody waits for any more. */
export function read<T>(path: string, body: object = {}, signal?: AbortSignal): Promise<T> {
  return call<T>(path, { ...post(body), ...(signal === undefined ? {} : { signal }) });
}

export async function act(path: string, body: object): Promise<ActionAnswer> {
  return call<ActionAnswer>(`act/${path}`, post({ ...body, by: whoActs() }));
}

const nameKey = 'syncflow.name';

/** Stands in the audit beside each action. */
export function whoActs(): string {
  return localStorage.getItem(nameKey) ?? 'dashboard';
}

export function setWhoActs(name: string): void {
  if (name.trim() === '') localStorage.removeItem(nameKey);
  else localStorage.setItem(nameKey, name.trim().slice(0, 100));
}

function keep(session: Session): Session {
  ({ csrf } = session);
  return session;
}

function post(body: object): RequestInit {
  return {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(csrf === null ? {} : { 'x-syncflow-csrf': csrf }) },
  };
}

interface Failure {
  readonly error?: { readonly message: string; readonly hint?: string };
}

async function call<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/${path}`, { ...init, credentials: 'same-origin' });
  } catch (error) {
    if (error instanceof DOMException) throw error;
    throw new ApiError(0, 'The hub doesn’t answer', 'Is its process running?');
  }
  const answer = (await response.json().catch(() => ({}))) as T & Failure;
  if (response.ok) return answer;
  if (response.status === 401 && path !== 'session') onSignedOut();
  const { message, hint } = answer.error ?? { message: `The hub answered ${response.status}` };
  throw new ApiError(response.status, message, hint);
}
