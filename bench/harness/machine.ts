/** What it was measured on, and with which versions. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { serverSettings, serverVersion } from './hub.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** One-minute average before the first run: what else was going on. */
  readonly load: number;
  readonly node: string;
  readonly postgres: string | undefined;
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

const rivals = ['pg-boss', 'graphile-worker', 'bullmq', '@supabase/stripe-sync-engine', 'stripe', 'undici', 'pg'];

export async function describeMachine(): Promise<Machine> {
  const postgres = await serverVersion();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    node: process.version,
    postgres,
    postgresSettings: postgres === undefined ? {} : await serverSettings(),
    versions: Object.fromEntries(rivals.map((name) => [name, versionOf(name)])),
  };
}

/** As installed in `bench/`. A package may hide its manifest, so the folder is searched as Node searches. */
function versionOf(name: string): string {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version;
    } catch {
      // not there: the next one
    }
  }
  return 'not installed';
}
