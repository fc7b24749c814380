import type { JsonObject } from './json.js';
import * as customers from './resources/customers.js';
import * as events from './resources/events.js';
import * as actions from './resources/invoice-actions.js';
import * as items from './resources/invoiceitems.js';
import * as lines from './resources/invoice-lines.js';
import * as invoices from './resources/invoices.js';
import * as prices from './resources/prices.js';
import * as products from './resources/products.js';
import * as endpoints from './resources/webhook-endpoints.js';
import type { Session } from './session.js';

export type Handler = (session: Session) => JsonObject;

export interface Route {
  /** As the schema names it, e.g. `POST /v1/customers/{customer}`. */
  name: string;
  handler: Handler;
}

export interface RouteMatch extends Route {
  pathIds: string[];
}

function account(): JsonObject {
  return {
    id: 'acct_simulator',
    object: 'account',
    business_profile: { name: 'Syncflow Simulator' },
    charges_enabled: true,
    country: 'US',
    default_currency: 'usd',
    details_submitted: true,
    email: 'simulator@example.com',
    payouts_enabled: true,
    type: 'standard',
  };
}

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/account': account,
  'POST /v1/customers': customers.createCustomer,
  'GET /v1/customers': customers.listCustomers,
  'GET /v1/customers/search': customers.searchCustomers,
  'GET /v1/customers/{customer}': customers.retrieveCustomer,
  'POST /v1/customers/{customer}': customers.updateCustomer,
  'DELETE /v1/customers/{customer}': customers.deleteCustomer,
  'POST /v1/products': products.createProduct,
  'GET /v1/products': products.listProducts,
  'GET /v1/products/search': products.searchProducts,
  'GET /v1/products/{id}': (session) => session.fromPath('product'),
  'POST /v1/products/{id}': products.updateProduct,
  'DELETE /v1/products/{id}': products.deleteProduct,
  'POST /v1/prices': prices.createPrice,
  'GET /v1/prices': prices.listPrices,
  'GET /v1/prices/search': prices.searchPrices,
  'GET /v1/prices/{price}': (session) => session.fromPath('price'),
  'POST /v1/prices/{price}': prices.updatePrice,
  'POST /v1/invoices': invoices.createInvoice,
  'GET /v1/invoices': invoices.listInvoices,
  'GET /v1/invoices/search': invoices.searchInvoices,
  'GET /v1/invoices/{invoice}': invoices.retrieveInvoice,
  'POST /v1/invoices/{invoice}': invoices.updateInvoice,
  'DELETE /v1/invoices/{invoice}': invoices.deleteInvoice,
  'POST /v1/invoices/{invoice}/finalize': actions.finalizeInvoice,
  'POST /v1/invoices/{invoice}/pay': actions.payInvoice,
  'POST /v1/invoices/{invoice}/void': actions.voidInvoice,
  'POST /v1/invoices/{invoice}/mark_uncollectible': actions.markUncollectible,
  'POST /v1/invoices/{invoice}/send': actions.sendInvoice,
  'POST /v1/invoices/{invoice}/add_lines': lines.addLines,
  'POST /v1/invoices/{invoice}/update_lines': lines.updateLines,
  'POST /v1/invoices/{invoice}/remove_lines': lines.removeLines,
  'GET /v1/invoices/{invoice}/lines': lines.listLines,
  'POST /v1/invoices/{invoice}/lines/{line_item_id}': lines.updateLine,
  'POST /v1/invoiceitems': items.createInvoiceItem,
  'GET /v1/invoiceitems': items.listInvoiceItems,
  'GET /v1/invoiceitems/{invoiceitem}': (session) => session.fromPath('invoiceitem'),
  'POST /v1/invoiceitems/{invoiceitem}': items.updateInvoiceItem,
  'DELETE /v1/invoiceitems/{invoiceitem}': items.deleteInvoiceItem,
  'GET /v1/events': events.listEvents,
  'GET /v1/events/{id}': events.retrieveEvent,
  'POST /v1/webhook_endpoints': endpoints.createEndpoint,
  'GET /v1/webhook_endpoints': endpoints.listEndpoints,
  'GET /v1/webhook_endpoints/{webhook_endpoint}': endpoints.retrieveEndpoint,
  'POST /v1/webhook_endpoints/{webhook_endpoint}': endpoints.updateEndpoint,
  'DELETE /v1/webhook_endpoints/{webhook_endpoint}': endpoints.deleteEndpoint,
};

const shape = (method: string, segments: readonly string[]): string => `${method} /${segments.join('/')}`;

/** Finds a route in constant time: by the path with its ids blanked. */
export class Router {
  private readonly routes = new Map<string, Route>();

  constructor() {
    for (const [name, handler] of Object.entries(ROUTES)) {
      this.routes.set(name.replace(/\{[^}]*\}/g, '{}'), { name, handler });
    }
  }

  match(method: string, path: string): RouteMatch | undefined {
    const segments = path.slice(1).split('/');
    const literal = this.routes.get(shape(method, segments));
    if (literal !== undefined && !path.includes('{')) return { ...literal, pathIds: [] };
    // Ids stand third and fifth: /v1/invoices/{}/lines/{}
    const blanked = segments.map((segment, index) => (index === 2 || index === 4 ? '{}' : segment));
    const found = this.routes.get(shape(method, blanked));
    if (found === undefined) return undefined;
    return { ...found, pathIds: segments.filter((_, index) => index === 2 || index === 4).map(safeDecode) };
  }
}

function safeDecode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
