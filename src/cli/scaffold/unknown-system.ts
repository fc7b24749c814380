/** The text of a subscriber for a system of one's own: it compiles, and says of itself what is to be filled in. */
import { importLine } from './catalog-source.js';
import { propertyKey, quoted, remoteKeys } from './names.js';
import { jsonType, type MainShape } from './shape.js';
import type { SubscriberPlace } from './subscriber-source.js';

export interface UnknownPlace extends SubscriberPlace {
  readonly system: string;
  readonly accountClass: string;
  readonly accountFrom: string;
}

export function accountFile(system: string, accountClass: string): string {
  const error = accountClass.replace(/Account$/, 'Error');
  return `/** The account of ${system}: its client and its credentials. All subscribers of the account share it. */

export class ${error} extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(message);
  }
}

export class ${accountClass} {
  readonly #url: string;
  readonly #token: string;

  constructor(options: { readonly url: string; readonly token: string }) {
    this.#url = options.url;
    this.#token = options.token; // private by language: it shows in no log
  }

  /** A JSON request, if ${system} is an HTTP API; else put its client here. */
  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(\`\${this.#url}\${path}\`, {
      method,
      headers: { authorization: \`Bearer \${this.#token}\`, 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    throw new ${error}(response.status, response.statusText, Number.isFinite(seconds) ? seconds * 1_000 : undefined);
  }
}
`;
}

/** Beside its id and its marker. */
const remoteKeysOf = (fields: MainShape['fields']): ReadonlyMap<string, string> =>
  remoteKeys(
    fields.map(({ name }) => name),
    ['id', 'externalId'],
  );

const frame = (shape: MainShape, place: UnknownPlace, remote: string): string[] => {
  const { className, system, accountClass } = place;
  const fields = shape.fields.filter(({ references }) => references === undefined);
  const remotes = remoteKeysOf(fields);
  return [
    `/** How ${shape.name} stands in ${system}. Fill in the four methods: the conformance suite beside this file says what is missing. */`,
    importLine(
      [
        'done',
        'found',
        'leastCapabilities',
        ...(fields.some(({ column }) => column.kind === 'bigint') ? ['lens'] : []),
        'outcomeOfStatus',
        'retry',
        'SubscriberBase',
        'SyncflowError',
        'unknown',
        'wasNeverSent',
        'type Capabilities',
        'type CreateOperation',
        'type DeleteOperation',
        'type Outcome',
        'type Sight',
        'type UpdateOperation',
      ],
      'syncflow',
    ),
    importLine([accountClass, accountClass.replace(/Account$/, 'Error')], place.accountFrom),
    importLine([shape.className], place.mainFrom),
    '',
    `/** The object as ${system} shows it. */`,
    `export interface ${remote} {`,
    '  readonly id: string;',
    '  /** A field that is free for our marker. Without one: leave the capability "marker" off. */',
    '  readonly externalId?: string | null;',
    ...fields.map((field) => `  readonly ${propertyKey(remotes.get(field.name) ?? field.name)}: ${jsonType(field)};`),
    '}',
    '',
    '/** A method that is still to be filled in. */',
    'function open(method: string, what: string): SyncflowError {',
    `  const message = \`${className}.\${method} is not filled in yet\`;`,
    "  return new SyncflowError('subscriber', message, { hint: what, context: { unfilled: method } });",
    '}',
    '',
  ];
};

export function unknownSubscriber(shape: MainShape, place: UnknownPlace): string {
  const remote = `${place.className}Remote`;
  const fields = shape.fields.filter(({ references }) => references === undefined);
  const remotes = remoteKeysOf(fields);
  const units = fields.map((field) => {
    const path = quoted(remotes.get(field.name) ?? field.name);
    const key = propertyKey(field.name);
    return field.column.kind === 'bigint'
      ? `    ${key}: { remote: ${path}, via: lens(String, (text: string) => BigInt(text)) },`
      : `    ${key}: ${path},`;
  });
  return `${[
    ...frame(shape, place, remote),
    `export class ${place.className} extends SubscriberBase<typeof ${shape.className}, ${remote}, ${place.accountClass}> {`,
    `  static readonly system = ${quoted(place.system)};`,
    '',
    '  // Switch on what the system can do, and fill in what belongs to it (docs/how-to/write-a-connector.md#capabilities).',
    '  override readonly capabilities: Capabilities = {',
    '    ...leastCapabilities,',
    '    // marker: true, // find({ by: "key" }) and keyOf',
    '    // idempotencyHours: 24, // create sends operation.idempotencyKey',
    '    // conditional: true, // versionOf, and writes that send operation.version',
    '    // listing: true, // list',
    '    // polling: true, // changes',
    '    // webhooks: true, // receive',
    '  };',
    '',
    '  override readonly mapping = this.map({',
    ...units,
    '  });',
    methods(remote, shape, place),
    '}',
    '',
    `${shape.className}.register(${place.className});`,
  ].join('\n')}\n`;
}

const methods = (remote: string, shape: MainShape, { accountClass }: UnknownPlace): string => {
  const error = accountClass.replace(/Account$/, 'Error');
  const path = `/${shape.name}`;
  return `
  // const body = { ...values, externalId: this.markerOf(key) };
  // const remote = await this.account.call<${remote}>('POST', '${path}', body, { 'idempotency-key': idempotencyKey });
  // return done(remote.id, remote);
  override async create(_operation: CreateOperation<${remote}>): Promise<Outcome<${remote}>> {
    throw open('create', 'make a remote of operation.values that bears operation.key, and return done(id, remote)');
  }

  // return done(remoteId, await this.account.call<${remote}>('PATCH', \`${path}/\${remoteId}\`, changed));
  override async update(_operation: UpdateOperation<${remote}>): Promise<Outcome<${remote}>> {
    throw open('update', 'write operation.changed to operation.remoteId, and return done(id, remote)');
  }

  // await this.account.call('DELETE', \`${path}/\${remoteId}\`);
  // return done(remoteId);
  override async delete(_operation: DeleteOperation<${remote}>): Promise<Outcome<${remote}>> {
    throw open('delete', 'delete operation.remoteId, and return done(id), or gone() where it is deleted already');
  }

  // return found(await this.account.call<${remote}>('GET', \`${path}/\${remoteId}\`));
  override async fetch(_remoteId: string): Promise<Sight<${remote}>> {
    throw open('fetch', 'read one remote as it is now: found(remote), gone() if surely deleted, else missing(why)');
  }

  /** What an error means that any of the methods threw: see docs/how-to/write-a-connector.md#outcomes. */
  override outcomeOf(error: unknown): Outcome<${remote}> {
    if (error instanceof ${error})
      return outcomeOfStatus(error.status, error.message, { retryAfterMs: error.retryAfterMs });
    if (wasNeverSent(error)) return retry('it is not there');
    return unknown(error instanceof Error ? error.message : String(error));
  }

  // override async find(query: Query<${remote}>): Promise<readonly ${remote}[]> {
  //   if (query.by === 'match') return [];
  //   return this.account.call('GET', \`${path}?externalId=\${encodeURIComponent(this.markerOf(query.key))}\`);
  // }
  // override keyOf(remote: ${remote}) {
  //   return this.keyFromMarker(remote.externalId);
  // }
  // override async list(cursor: string | undefined): Promise<ListPage<${remote}>> {
  //   const remotes = await this.account.call<${remote}[]>('GET', \`${path}?after=\${cursor ?? ''}\`);
  //   const last = remotes.at(-1);
  //   return last === undefined ? { remotes } : { remotes, cursor: last.id };
  // }`;
};
