/**
 * A JSON API over HTTP: `POST /customers`, `PATCH` and `GET /customers/:id`. Objects have a version. When a city came in that begins
 * with `live`, `/arrivals` tells: by the clock that all processes of the machine share.
 */
import { announce, givenOptions, sharedClockMs } from '../harness/remote.js';
import { rowOf } from '../shop/rows.js';
import { serveThinly } from './thin-server.js';

type Stored = Record<string, unknown> & { id: string; version: number };

const { delayMs } = givenOptions<{ delayMs: number }>();
const objects = new Map<string, Stored>();
let created = 0;
let requests = 0;
let arrivals: (readonly [city: string, atMs: number])[] = [];

const url = await serveThinly({
  delayMs,
  answer: ({ method, path, body }) => {
    requests += 1;
    const id = path.slice('/customers/'.length);
    switch (method) {
      case 'POST': {
        if (path === '/reset') {
          const counted = JSON.stringify({ requests: requests - 1, objects: objects.size });
          objects.clear();
          requests = 0;
          return counted;
        }
        const object = { ...(JSON.parse(body) as object), id: `c${++created}`, version: 1 };
        objects.set(object.id, object);
        return JSON.stringify(object);
      }
      case 'PATCH': {
        const before = objects.get(id) ?? loaded(id);
        if (before === undefined) return undefined;
        const given = JSON.parse(body) as { readonly city?: string };
        if (given.city?.startsWith('live') === true) arrivals.push([given.city, sharedClockMs()]);
        const object = { ...before, ...given, id, version: before.version + 1 };
        objects.set(id, object);
        return JSON.stringify(object);
      }
      default: {
        if (path === '/arrivals') {
          const told = JSON.stringify(arrivals);
          arrivals = [];
          return told;
        }
        if (path.startsWith('/customers?marker=')) {
          const marker = decodeURIComponent(path.slice('/customers?marker='.length));
          return JSON.stringify([...objects.values()].filter((one) => one['marker'] === marker));
        }
        const object = objects.get(id);
        return object === undefined ? undefined : JSON.stringify(object);
      }
    }
  },
});
announce(url);

/** `g7` stands for the seventh of the records that a benchmark has linked without sending them. */
function loaded(id: string): Stored | undefined {
  return id.startsWith('g') ? { ...rowOf(Number(id.slice(1))), id, version: 1 } : undefined;
}
