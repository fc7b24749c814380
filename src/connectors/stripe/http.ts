/** The HTTP client under the SDK: one request, no hidden second one. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Stripe from 'stripe';

/** Codes that the SDK sends again by itself, even with `maxNetworkRetries: 0`. */
const closed = new Set(['ECONNRESET', 'EPIPE']);

class ConnectionLost extends Error {
  readonly code = 'CONNECTION_LOST';
}

export interface OneShotClient {
  readonly client: Stripe.HttpClient;
  /** Closes idle connections. */
  close(): void;
}

/**
 * The engine decides when something is sent again: it has the intent, the idempotency key and the rate limits. The SDK would
 * repeat a request whose connection was closed, unseen by all three, and a repeated DELETE answers 404 to its own success.
 */
export function oneShotClient(protocol: 'http' | 'https'): OneShotClient {
  const agent = protocol === 'http' ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const inner = Stripe.createNodeHttpClient(agent);
  const client: Stripe.HttpClient = {
    getClientName: () => 'node',
    makeRequest: async (...request) => {
      try {
        return await inner.makeRequest(...request);
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        if (typeof code === 'string' && closed.has(code)) {
          throw new ConnectionLost('the connection was closed before an answer came', { cause: error });
        }
        throw error;
      }
    },
  };
  return { client, close: () => agent.destroy() };
}
