export { CouchFaults } from './faults.js';
export type { CouchFault, CouchFaultKind, CouchFaultScope } from './faults.js';
export type { CouchOperation, CouchRequest } from './request.js';
export { CouchServer } from './server.js';
export type { CouchLogEntry, CouchServerOptions } from './server.js';
