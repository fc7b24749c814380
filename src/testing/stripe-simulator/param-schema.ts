import { readFileSync } from 'node:fs';
import { asArray, asObject, asObjects, asString, type Json, type JsonObject } from './json.js';
import { OVERLAY } from './overlay.js';

/** The part of OpenAPI's schema language that Stripe's request schemas use. */
export interface ParamSchema {
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  format?: string;
  enum?: readonly string[];
  maxLength?: number;
  maxItems?: number;
  items?: ParamSchema;
  properties?: Record<string, ParamSchema>;
  additionalProperties?: boolean | ParamSchema;
  required?: readonly string[];
  anyOf?: readonly ParamSchema[];
}

/** The parameters of one route. */
export interface RouteSchema {
  route: string;
  params: ParamSchema;
  /** Top-level string parameters that can not be unset with an empty string. */
  notEmptyable: ReadonlySet<string>;
}

const RESPONSE_KIND: Readonly<Record<string, string>> = {
  customers: 'customer',
  products: 'product',
  prices: 'price',
  invoices: 'invoice',
  invoiceitems: 'invoiceitem',
  webhook_endpoints: 'webhook_endpoint',
};

function loadDocument(): JsonObject {
  const file = new URL('./schema/stripe-openapi-subset.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
}

function formSchema(operation: JsonObject): ParamSchema | undefined {
  const content = asObject(asObject(operation.requestBody).content);
  const form = asObject(content['application/x-www-form-urlencoded']).schema;
  return form === undefined ? undefined : (form as unknown as ParamSchema);
}

function querySchema(operation: JsonObject): ParamSchema {
  const properties: Record<string, ParamSchema> = {};
  const required: string[] = [];
  for (const parameter of asObjects(operation.parameters)) {
    const name = asString(parameter.name);
    if (parameter.in !== 'query' || name === null) continue;
    properties[name] = parameter.schema as unknown as ParamSchema;
    if (parameter.required === true) required.push(name);
  }
  return { type: 'object', properties, required };
}

/** Copies along a dotted path, so that the overlay never writes into a schema another route shares. */
function changeAt(schema: ParamSchema, path: readonly string[], change: (at: ParamSchema) => ParamSchema): ParamSchema {
  const [head, ...rest] = path;
  if (schema.anyOf !== undefined) {
    return {
      ...schema,
      anyOf: schema.anyOf.map((variant) =>
        variant.properties === undefined ? variant : changeAt(variant, path, change),
      ),
    };
  }
  if (head === undefined) return change(schema);
  const child = schema.properties?.[head];
  if (child === undefined) throw new Error(`The overlay names ${path.join('.')}, which the schema does not have.`);
  return { ...schema, properties: { ...schema.properties, [head]: changeAt(child, rest, change) } };
}

function applyOverlay(schemas: Map<string, ParamSchema>): void {
  for (const entry of OVERLAY) {
    for (const route of entry.routes) {
      const base = schemas.get(route) ?? { type: 'object', properties: {}, required: [] };
      const path = entry.at === undefined ? [] : entry.at.split('.');
      schemas.set(
        route,
        changeAt(base, path, (at) => {
          const removed = new Set(entry.remove);
          const kept = Object.entries(at.properties ?? {}).filter(([name]) => !removed.has(name));
          return {
            ...at,
            properties: { ...Object.fromEntries(kept), ...entry.set },
            required: entry.required ?? at.required ?? [],
          };
        }),
      );
    }
  }
}

/**
 * A string the answer shows as nullable can be unset by passing it empty; one that is never null (a product's name)
 * cannot, and Stripe says so.
 */
function notEmptyable(route: string, params: ParamSchema, components: JsonObject): Set<string> {
  const resource = /\/v1\/([a-z_]+)/.exec(route)?.[1] ?? '';
  const shape = asObject(asObject(components[RESPONSE_KIND[resource] ?? '']).properties);
  const names = Object.keys(params.properties ?? {}).filter((name) => {
    const property: Json | undefined = shape[name];
    if (property === undefined) return name !== 'source' && name !== 'payment_method';
    return asObject(property).nullable !== true;
  });
  return new Set(names);
}

/** Reads the published schemas once per simulator; a request then only walks plain objects. */
export function loadRouteSchemas(): ReadonlyMap<string, RouteSchema> {
  const document = loadDocument();
  const components = asObject(asObject(document.components).schemas);
  const schemas = new Map<string, ParamSchema>();
  for (const [path, operations] of Object.entries(asObject(document.paths))) {
    for (const [method, operation] of Object.entries(asObject(operations))) {
      const schema = method === 'post' ? formSchema(asObject(operation)) : querySchema(asObject(operation));
      schemas.set(`${method.toUpperCase()} ${path}`, schema ?? { type: 'object', properties: {} });
    }
  }
  applyOverlay(schemas);
  return new Map(
    [...schemas].map(([route, params]) => [
      route,
      { route, params, notEmptyable: notEmptyable(route, params, components) },
    ]),
  );
}

/** For messages and documentation: the required names of a schema. */
export function requiredNames(schema: ParamSchema): readonly string[] {
  return asArray(schema.required as Json | undefined).filter((name): name is string => typeof name === 'string');
}
