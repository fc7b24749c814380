import type { StripeSimulatorState } from './state.js';
import { FAULT_KINDS, type FaultKind, type FaultRule, type StripeFaults } from './faults.js';
import { asNumber, asObject, asString, isObject, type Json, type JsonObject } from './json.js';

export interface ControlTools {
  state: StripeSimulatorState;
  faults: StripeFaults;
  edit: (method: string, path: string, params: JsonObject) => Promise<JsonObject>;
  settled: () => Promise<void>;
}

export interface ControlAnswer {
  status: number;
  body: Json;
}

const isKind = (kind: unknown): kind is FaultKind => FAULT_KINDS.some((known) => known === kind);

function ruleFrom(body: JsonObject): FaultRule {
  if (!isKind(body.kind)) throw new Error(`kind must be one of ${FAULT_KINDS.join(', ')}.`);
  const rule: FaultRule = { kind: body.kind };
  for (const name of ['rate', 'times', 'delayMs'] as const) if (typeof body[name] === 'number') rule[name] = body[name];
  for (const name of ['method', 'path', 'eventType'] as const) {
    if (typeof body[name] === 'string') rule[name] = body[name];
  }
  if (body.status === 409 || body.status === 429) rule.status = body.status;
  if (typeof body.stored === 'boolean') rule.stored = body.stored;
  return rule;
}

function setRates(faults: StripeFaults, body: JsonObject): void {
  const rates: Partial<Record<FaultKind, number>> = {};
  for (const [kind, rate] of Object.entries(body)) {
    if (!isKind(kind) || typeof rate !== 'number') throw new Error(`${kind} is not a fault with a rate.`);
    rates[kind] = rate;
  }
  faults.setRates(rates);
}

const faultsAsJson = (faults: StripeFaults): Json => ({
  rules: faults.active.map((rule) => ({ ...rule })),
  struck: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, faults.count(kind)])),
});

async function read(tools: ControlTools, what: string): Promise<Json | undefined> {
  switch (what) {
    case 'state':
      return tools.state.dump();
    case 'requests':
      return { count: tools.state.requestCount, data: tools.state.requests.map((entry) => ({ ...entry })) };
    case 'counts':
      return tools.state.counts();
    case 'faults':
      return faultsAsJson(tools.faults);
    default:
      return undefined;
  }
}

async function write(tools: ControlTools, what: string, body: JsonObject): Promise<Json | undefined> {
  switch (what) {
    case 'faults':
      tools.faults.add(ruleFrom(body));
      return faultsAsJson(tools.faults);
    case 'faults/rates':
      setRates(tools.faults, body);
      return faultsAsJson(tools.faults);
    case 'faults/clear':
      tools.faults.clear(isKind(body.kind) ? body.kind : undefined);
      return faultsAsJson(tools.faults);
    case 'webhooks/release':
      tools.faults.releaseWebhooks();
      return { released: true };
    case 'settled':
      await tools.settled();
      return { settled: true };
    case 'dashboard':
      return tools.edit(asString(body.method) ?? 'POST', asString(body.path) ?? '', asObject(body.params));
    default:
      return undefined;
  }
}

/**
 * `/_simulator/…`: what the class offers in the same process, for a simulator that runs as a process of its own.
 * JSON in, JSON out; nothing of it is part of Stripe's API.
 */
export async function control(tools: ControlTools, method: string, path: string, text: string): Promise<ControlAnswer> {
  const what = path.replace(/^\/_simulator\/?/, '');
  try {
    const parsed: unknown = text === '' ? {} : JSON.parse(text);
    const body = isObject(parsed) ? parsed : {};
    const answer = method === 'GET' ? await read(tools, what) : await write(tools, what, body);
    if (answer === undefined) return { status: 404, body: { error: `There is no ${method} ${path}.` } };
    return { status: 200, body: answer };
  } catch (error) {
    const status = isObject(error) ? asNumber(error.status) : 0;
    const stripeStatus = error instanceof Error && 'status' in error ? Number(error.status) : status;
    return { status: stripeStatus || 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}
