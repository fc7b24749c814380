/** Who may use the control API. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { SyncflowError } from '../errors.js';
import { HttpError } from './respond.js';

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Of the control API's token. */
export const shortestToken = 16;

/** Undefined where the API is switched off. An empty token, from a variable that isn't set, must not open it. */
export function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined;
  if (token.length < shortestToken) {
    throw new SyncflowError(
      'config',
      `http.apiToken has ${token.length} characters; it must have at least ${shortestToken}`,
      {
        hint: 'Make one with: openssl rand -hex 24',
      },
    );
  }
  return token;
}

/**
 * Refuses requests that a web page could have made a browser send (a name that leads here by DNS rebinding, another origin),
 * then those without the token.
 */
export function guard(request: Request, token: string, allowedHosts: readonly string[]): void {
  checkHost(request, allowedHosts);
  checkOrigin(request);
  const [scheme = '', given = ''] = (request.headers.get('authorization') ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !sameToken(given, token)) {
    throw new HttpError(401, 'unauthorized', 'the token is missing or wrong', {
      hint: 'Send "Authorization: Bearer <http.apiToken>".',
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
}

export function checkHost(request: Request, allowedHosts: readonly string[]): void {
  const given = hostOf(request);
  const name = nameOf(given);
  if (
    loopback.has(name) ||
    allowedHosts.some((host) => host.toLowerCase() === name || host.toLowerCase() === given.toLowerCase())
  )
    return;
  throw new HttpError(403, 'host', 'this host name is not served', { hint: 'Add it to http.allowedHosts.' });
}

/** Whether it was asked by a name of this machine. That alone proves nothing: see `Sessions`. */
export function isLoopbackHost(request: Request): boolean {
  return loopback.has(nameOf(hostOf(request)));
}

/** The Host header, where there is one: the URL of a mounted handler may have been made from something else. */
function hostOf(request: Request): string {
  return request.headers.get('host') ?? new URL(request.url).host;
}

function nameOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}

export function checkOrigin(request: Request): void {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  const isOurs = origin === null || (URL.canParse(origin) && new URL(origin).host === hostOf(request));
  if (isOurs && site !== 'cross-site' && site !== 'same-site') return;
  throw new HttpError(403, 'origin', 'requests from other sites are refused');
}

/** Digests have one length, so that neither length nor content shows in the time it takes. */
export function sameToken(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
