/** A hub from its address. */
import { SyncflowError } from '../errors.js';
import type { Database } from './database.js';
import { EmbeddedDatabase } from './embedded.js';
import { PostgresDatabase } from './postgres.js';

/** A database from its short form. */
export function openDatabase(address: string): Database {
  if (/^postgres(ql)?:\/\//.test(address)) return new PostgresDatabase({ url: address });
  if (address === 'memory:') return new EmbeddedDatabase();
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    throw new SyncflowError('config', `a database can't be opened by "${address.split(':')[0] ?? ''}:"`, {
      hint: 'Give postgres://…, a folder for an embedded hub, or memory:.',
    });
  }
  return new EmbeddedDatabase({ dataDir: address });
}
