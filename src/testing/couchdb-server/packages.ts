import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { SyncflowError } from '../../errors.js';

/** The little that is used of a PouchDB database; the package has no types of its own. */
export interface PouchDatabase {
  readonly name: string;
  get(id: string): Promise<{ _id: string; _rev: string }>;
  put(doc: { _id: string; _rev: string; _deleted: true }): Promise<{ ok: boolean; id: string; rev: string }>;
  info(): Promise<unknown>;
  close(): Promise<void>;
}

/** The little that is used of the PouchDB constructor. */
export interface PouchConstructor {
  new (name: string): PouchDatabase;
  defaults(options: { prefix: string }): PouchConstructor;
  plugin(plugin: unknown): PouchConstructor;
  emit(event: string, subject: unknown): boolean;
  allDbs?: (callback?: (error: unknown, names?: string[]) => void) => Promise<string[]>;
}

/** An Express application is a request handler. */
export type ExpressApp = (request: IncomingMessage, response: ServerResponse) => void;

/** `express-pouchdb`, as far as it is used. */
export interface ExpressPouch {
  (options: { mode: string; overrideMode: { include: string[]; exclude: string[] } }): ExpressApp & {
    setPouchDB(pouch: PouchConstructor): Promise<void>;
  };
}

export interface CouchPackages {
  readonly Pouch: PouchConstructor;
  readonly expressPouch: ExpressPouch;
}

/** Loads one package by name; replaced in tests. */
export type PackageLoader = (name: string) => unknown;

/**
 * Loads `pouchdb` and `express-pouchdb` when a server is started, so that `syncflow/testing` can be imported without
 * them.
 */
export function loadCouchPackages(load: PackageLoader = createRequire(import.meta.url)): CouchPackages {
  return {
    Pouch: loadOne(load, 'pouchdb') as PouchConstructor,
    expressPouch: loadOne(load, 'express-pouchdb') as ExpressPouch,
  };
}

function loadOne(load: PackageLoader, name: string): unknown {
  try {
    return load(name);
  } catch (error) {
    throw new SyncflowError('config', `CouchServer needs the package "${name}", and it can't be loaded`, {
      hint: 'npm install --save-dev express-pouchdb pouchdb',
      context: { package: name },
      cause: error,
    });
  }
}
