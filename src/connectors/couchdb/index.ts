/** The CouchDB connector. */
export { CouchAccount, type CouchAccountOptions, type CouchCall } from './account.js';
export { type CouchDocument, type CouchMeta, documentIdOf } from './document.js';
export { couchCapabilities, CouchSubscriber } from './documents.js';
export { CouchFailure, outcomeOfCouchError } from './failure.js';
