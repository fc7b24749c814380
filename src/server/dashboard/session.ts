/**
 * Who may use the dashboard. On the machine itself it is open to read; elsewhere somebody signs in with the API token. Either way an
 * action needs a session: a cookie that no script reads and no other site sends, and a token that only a page from here can have read.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Session } from './contract.js';
import { checkHost, checkOrigin, isLoopbackHost, sameToken } from '../guard.js';
import { HttpError } from '../respond.js';

/** What the server that took a request in knows of it. */
export interface Peer {
  /** Where it came from. Without it nobody counts as being on this machine. */
  readonly address?: string | undefined;
  /** Aborts when the server closes: streams end then. */
  readonly closing?: AbortSignal;
}

export interface SessionOptions {
  readonly token: string | undefined;
  readonly allowedHosts: readonly string[];
  /** Whether this machine's own requests may read without signing in. */
  readonly openOnLoopback: boolean;
  /** The cookie's path. */
  readonly path: string;
  readonly now?: () => number;
}

type Kind = 'loopback' | 'token';

const sessionMs = 12 * 3_600_000;
const failuresPerMinute = 10;
export const csrfHeader = 'x-syncflow-csrf';

export class Sessions {
  readonly #options: SessionOptions;
  readonly #now: () => number;
  /** From the API token, where there is one: all processes behind one address then know each other's sessions, and a new token ends them. */
  readonly #secret: Buffer;
  readonly #cookie: string;
  #failures: number[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#secret =
      options.token === undefined
        ? randomBytes(32)
        : createHmac('sha256', options.token).update('syncflow dashboard').digest();
    // cookies know no ports: hubs side by side on one machine must not take each other's away
    this.#cookie = `syncflow_${createHash('sha256').update(this.#secret).digest('hex').slice(0, 12)}`;
  }

  /** @throws HttpError 401 for whoever may not read, 403 for other sites */
  mayRead(request: Request, peer: Peer | undefined): void {
    this.refuseStrangers(request);
    if (this.#session(request, peer) === undefined && !this.#isOpen(request, peer))
      throw new HttpError(401, 'unauthorized', 'sign in first', { hint: 'With the token in http.apiToken.' });
  }

  /** @throws HttpError 401 without a session, 403 for other sites and without its token */
  mayAct(request: Request, peer: Peer | undefined): void {
    this.refuseStrangers(request);
    const session = this.#session(request, peer);
    if (session === undefined) throw new HttpError(401, 'unauthorized', 'the session is over: load the page again');
    if (!sameToken(request.headers.get(csrfHeader) ?? '', this.#csrf(session)))
      throw new HttpError(403, 'csrf', 'the token of this page is missing or wrong: load the page again');
  }

  /** How this request stands; on this machine it gets a session without asking. */
  open(request: Request, peer: Peer | undefined): { readonly session: Session; readonly cookie?: string } {
    this.refuseStrangers(request);
    const known = this.#session(request, peer);
    const onLoopback = this.#isOpen(request, peer);
    const base = { canSignIn: this.#options.token !== undefined, onLoopback };
    if (known !== undefined) return { session: { ...base, mayRead: true, csrf: this.#csrf(known) } };
    if (!onLoopback) return { session: { ...base, mayRead: false, csrf: null } };
    return this.#begin(request, 'loopback', base);
  }

  /** @throws HttpError 401 for a wrong token, 409 where there is none, 429 after too many tries */
  signIn(
    request: Request,
    peer: Peer | undefined,
    given: string,
  ): { readonly session: Session; readonly cookie?: string } {
    this.refuseStrangers(request);
    const { token } = this.#options;
    if (token === undefined)
      throw new HttpError(409, 'config', 'no token was set for this hub', { hint: 'Set http.apiToken.' });
    const now = this.#now();
    this.#failures = this.#failures.filter((at) => at > now - 60_000);
    if (this.#failures.length >= failuresPerMinute)
      throw new HttpError(429, 'busy', 'too many wrong tokens; wait a minute', { headers: { 'retry-after': '60' } });
    if (!sameToken(given, token)) {
      this.#failures.push(now);
      throw new HttpError(401, 'unauthorized', 'that is not the token');
    }
    return this.#begin(request, 'token', { canSignIn: true, onLoopback: this.#isOpen(request, peer) });
  }

  signOut(request: Request): string {
    return this.#setCookie(request, '', 0);
  }

  #begin(request: Request, kind: Kind, base: Pick<Session, 'canSignIn' | 'onLoopback'>) {
    const body = `${kind}.${this.#now() + sessionMs}.${randomBytes(16).toString('hex')}`;
    const value = `${body}.${this.#mac(body)}`;
    return {
      session: { ...base, mayRead: true, csrf: this.#csrf(value) },
      cookie: this.#setCookie(request, value, sessionMs / 1_000),
    };
  }

  /** The cookie's value, if it is a session of ours that is not over. */
  #session(request: Request, peer: Peer | undefined): string | undefined {
    const value = cookiesOf(request).get(this.#cookie);
    const [kind = '', until = '', nonce = '', mac = '', ...more] = value?.split('.') ?? [];
    if (value === undefined || more.length > 0 || !sameToken(mac, this.#mac(`${kind}.${until}.${nonce}`)))
      return undefined;
    if (Number(until) <= this.#now()) return undefined;
    return kind === 'token' || this.#isOpen(request, peer) ? value : undefined;
  }

  /** By another name than ours, or from another site's page: not even its body is read. */
  refuseStrangers(request: Request): void {
    checkHost(request, this.#options.allowedHosts);
    checkOrigin(request);
  }

  /** A proxy on this machine speaks for others: what it passed on doesn't come from here. */
  #isOpen(request: Request, peer: Peer | undefined): boolean {
    return (
      this.#options.openOnLoopback &&
      isLoopbackAddress(peer?.address) &&
      isLoopbackHost(request) &&
      !forwardingHeaders.some((name) => request.headers.has(name))
    );
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#secret).update(`session ${text}`).digest('hex');
  }

  #csrf(value: string): string {
    return createHmac('sha256', this.#secret).update(`csrf ${value}`).digest('hex');
  }

  #setCookie(request: Request, value: string, maxAgeSeconds: number): string {
    const isSecure = new URL(request.url).protocol === 'https:' || request.headers.get('x-forwarded-proto') === 'https';
    const flags = `Path=${this.#options.path}; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}`;
    return `${this.#cookie}=${value}; ${flags}${isSecure ? '; Secure' : ''}`;
  }
}

const forwardingHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain);
}

function cookiesOf(request: Request): Map<string, string> {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((one) => one.trim().split('='));
  return new Map(pairs.map(([name = '', ...value]) => [name, value.join('=')]));
}
