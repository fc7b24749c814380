/** The databases of a folder, and who uses it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { SyncflowError } from '../../errors.js';
import type { PouchConstructor, PouchDatabase } from './packages.js';

/** Folders in use by a server of this process: PouchDB would silently share a database between two of them. */
const foldersInUse = new Set<string>();

const VIEW_MARK = '-mrview-';

/**
 * A PouchDB constructor for one folder that knows its databases by itself. PouchDB's own events are shared by all
 * constructors and carry names without folders (a database deleted in one server would be taken for deleted in
 * another), and express-pouchdb would otherwise keep the list of databases in one more database, written late.
 */
export function isolate(
  Base: PouchConstructor,
  folder: string,
  databases: Set<string>,
  open: Set<PouchDatabase>,
  handles: Map<string, PouchDatabase>,
): PouchConstructor {
  const Pouch = Base.defaults({ prefix: folder + sep });
  Pouch.plugin = (plugin) => {
    Base.plugin(plugin);
    return Pouch;
  };
  Pouch.emit = (event, subject) => {
    if (event === 'ref') {
      const database = subject as PouchDatabase;
      open.add(database);
      if (!database.name.includes(VIEW_MARK)) databases.add(database.name);
    } else if (event === 'unref') {
      open.delete(subject as PouchDatabase);
    } else if (event === 'destroyed') {
      const name = subject as string;
      databases.delete(name);
      handles.delete(name);
      for (const database of open) if (database.name === name) open.delete(database);
    }
    return true;
  };
  Pouch.allDbs = async (callback) => {
    const names = [...databases].sort();
    callback?.(null, names);
    return names;
  };
  return Pouch;
}

/** The databases in a folder: each is a LevelDB folder of its name. */
export function databasesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.includes(VIEW_MARK))
    .filter((entry) => existsSync(join(folder, entry.name, 'CURRENT')))
    .map((entry) => entry.name);
}

/** Opens all databases at once, so that a folder that another process holds is noticed at the start. */
export async function openAll(
  Pouch: PouchConstructor,
  names: ReadonlySet<string>,
  handles: Map<string, PouchDatabase>,
  folder: string,
): Promise<void> {
  for (const name of [...names]) {
    const database = new Pouch(name);
    try {
      await database.info();
    } catch (error) {
      throw new SyncflowError('locked', `CouchServer can't open the database "${name}" in ${folder}`, {
        hint: 'Is another process using this folder?',
        context: { database: name, dataDir: folder },
        cause: error,
      });
    }
    handles.set(name, database);
  }
}

export async function closeAll(open: Set<PouchDatabase>): Promise<void> {
  for (const database of [...open]) {
    // Several handles share one LevelDB, and only the first of them can close it.
    await database.close().catch(() => undefined);
  }
  open.clear();
}

export function takeFolder(dataDir: string | undefined): { folder: string; removeOnExit: (() => void) | undefined } {
  if (dataDir === undefined) {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'syncflow-couch-'));
    const removeOnExit = (): void => rmSync(folder, { recursive: true, force: true });
    process.once('exit', removeOnExit);
    return { folder, removeOnExit };
  }
  mkdirSync(dataDir, { recursive: true });
  const folder = realpathSync(dataDir);
  if (foldersInUse.has(folder)) {
    throw new SyncflowError('locked', `CouchServer: another server of this process uses ${folder}`, {
      hint: 'Stop that one first, or give each server a folder of its own.',
      context: { dataDir: folder },
    });
  }
  foldersInUse.add(folder);
  return { folder, removeOnExit: undefined };
}

export function releaseFolder(folder: string, removeOnExit: (() => void) | undefined): void {
  foldersInUse.delete(folder);
  if (removeOnExit === undefined) return;
  process.removeListener('exit', removeOnExit);
  removeOnExit();
}
