/** A Postgres server of our own, so that it can be crashed and restarted under the processes that use it. */
import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './processes.js';

const execute = promisify(execFile);
/** Postgres refuses to run as root: where we are root, it runs as this user, which Debian's packages make. */
const serverUser = 'postgres';

export class PostgresServer {
  readonly url: string;
  readonly #pgCtl: string;
  readonly #folder: string;

  private constructor(pgCtl: string, folder: string, port: number) {
    this.#pgCtl = pgCtl;
    this.#folder = folder;
    this.url = `postgres://${serverUser}@127.0.0.1:${port}/postgres`;
  }

  static isInstalled(): boolean {
    return findPgCtl() !== undefined;
  }

  /** Undefined where Postgres isn't installed. */
  static async start(): Promise<PostgresServer | undefined> {
    const pgCtl = findPgCtl();
    if (pgCtl === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'syncflow-postgres-'));
    if (isRoot()) chownSync(folder, ...(await idsOf(serverUser)));
    const port = await freePort();
    const server = new PostgresServer(pgCtl, folder, port);
    await server.#run('initdb', '-o', `--auth=trust --username=${serverUser} --no-sync`);
    await server.#run(
      'start',
      '-w',
      '-o',
      `-p ${port} -k '' -h 127.0.0.1 -c max_connections=60`,
      '-l',
      join(folder, 'log'),
    );
    return server;
  }

  /** As after a crash: nothing is finished, nobody is told, and the log is replayed. Resolves when it is up again. */
  async crash(): Promise<void> {
    await this.#run('restart', '-w', '-m', 'immediate', '-l', join(this.#folder, 'log'));
  }

  async remove(): Promise<void> {
    await this.#run('stop', '-w', '-m', 'immediate').catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(...args: readonly string[]): Promise<void> {
    const all = [...args, '-D', join(this.#folder, 'data'), '-s'];
    const [file, rest] = isRoot() ? ['runuser', ['-u', serverUser, '--', this.#pgCtl, ...all]] : [this.#pgCtl, all];
    await execute(file, rest, { cwd: this.#folder });
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** On the path, or where Debian keeps the programs of each version. */
function findPgCtl(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  return folders.map((folder) => join(folder, 'pg_ctl')).find((path) => existsSync(path));
}

async function idsOf(user: string): Promise<[number, number]> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execute('id', [flag, user])));
  return [Number(uid?.stdout), Number(gid?.stdout)];
}
