/** The demo: a shop's catalogs in two-way sync, from an empty hub to a proof that all sides agree. */
import { alignKeySequences } from '../catalog/table.js';
import { systemClock } from '../engine/environment.js';
import { showDuration, type Output } from '../cli/output.js';
import { Catalogs } from './count.js';
import { Customer, Invoice, Product } from './catalogs.js';
import { loadChinook, readChinook } from './chinook.js';
import { live } from './life.js';
import { buildPage } from './page.js';
import { play, type Scene } from './story.js';
import { openWorld, type DemoWorld } from './world.js';

export interface DemoOptions {
  /** End after the comparison instead of staying up. */
  readonly once: boolean;
  readonly json: boolean;
  readonly database?: string;
  readonly port?: number;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Resolves with the exit code: 0 only if every scene came out as it should, all sides agree and no remote exists twice. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { output, json } = options;
  const say = (text: string): void => (json ? output.note(text) : output.line(text));
  const world = await openWorld({
    database: options.database ?? options.env['DATABASE_URL'] ?? 'memory:',
    port: options.port ?? 0,
    env: options.env,
  });
  try {
    if (!options.once) await announce(world, say, output);
    world.flow.on('error', ({ where, error }) => output.note(`${where}: ${String(error)}`));
    const loaded = await load(world, say, output);
    const scenes = await watch(world, say, output);
    const report = await prove(world, scenes, loaded);
    if (json) output.line(JSON.stringify(report, undefined, 2));
    else show(report, output);
    if (!options.once && !options.signal.aborted) {
      stayUp(world, options);
      await live(world, options.signal);
    }
    return report.ok ? 0 : 1;
  } finally {
    await world.close();
  }
}

/** The page is there before the load begins: that is worth watching. */
async function announce(world: DemoWorld, say: (text: string) => void, output: Output): Promise<void> {
  const problem = await buildPage(say);
  if (problem === undefined) say(`${output.colors.bold('Dashboard:')} ${world.server.url}/dashboard/`);
  else output.note(problem);
}

async function load(
  world: DemoWorld,
  say: (text: string) => void,
  output: Output,
): Promise<{ loadMs: number; total: number }> {
  const { flow } = world;
  const shop = readChinook();
  say('Hub, Stripe and CouchDB are up. Loading the Chinook shop by plain SQL: triggers capture every row.');
  say(
    `  ${shop.customers.length} customers, ${shop.products.length} products (those that were sold), ${shop.invoices.length} invoices with ${shop.lines.length} lines`,
  );
  if ((await world.writes()) !== undefined)
    say('  (the simulator’s rate limit is raised for the load; real Stripe allows 25 writes a second in a sandbox)');
  await flow.prepare();
  await loadChinook(flow.database, shop);
  for (const catalog of [Customer, Product, Invoice]) await alignKeySequences(flow.database, catalog.definition);
  const total = shop.customers.length * 2 + shop.products.length + shop.invoices.length;
  const started = performance.now();
  await flow.start();
  const finished = new AbortController();
  const drawing = draw(flow, total, started, output, finished.signal);
  await flow.settled();
  finished.abort();
  await drawing;
  const loadMs = performance.now() - started;
  say(`  synced ${total} records in ${showDuration(loadMs)}: ${Math.round((total / loadMs) * 1000)} a second`);
  return { loadMs, total };
}

const drawIntervalMs = 500;

/** Rate and time left: one line that changes on a terminal, plain lines elsewhere. */
async function draw(
  flow: DemoWorld['flow'],
  total: number,
  started: number,
  output: Output,
  finished: AbortSignal,
): Promise<void> {
  let plainAt = started;
  while (!finished.aborted) {
    await systemClock.sleep(drawIntervalMs, finished);
    const done = (await flow.status()).reduce((sum, one) => sum + one.inAgreement, 0);
    const now = performance.now();
    const rate = (done / (now - started)) * 1000;
    const left = rate > 0 ? showDuration(((total - done) / rate) * 1000) : '?';
    const text = `  ${done} of ${total} in agreement · ${Math.round(rate)}/s · ${left} left`;
    if (output.isTTY) output.progress(text);
    else if (now - plainAt > 5_000) {
      plainAt = now;
      output.note(text);
    }
  }
}

async function watch(world: DemoWorld, say: (text: string) => void, output: Output): Promise<Scene[]> {
  const { green, red, dim } = output.colors;
  const scenes: Scene[] = [];
  say('');
  say('Now edits on all sides:');
  for await (const scene of play(world)) {
    scenes.push(scene);
    say(`  ${scene.ok ? green('✓') : red('✗')} ${scene.what} ${dim(`(${scene.where})`)}`);
    say(`      ${scene.outcome}`);
  }
  return scenes;
}

export interface DemoReport {
  readonly ok: boolean;
  readonly catalogs: Awaited<ReturnType<Catalogs['count']>>;
  readonly compared: number;
  readonly equal: number;
  readonly differences: number;
  readonly duplicates: number;
  readonly parked: number;
  readonly conflictsLogged: number;
  readonly scenes: { readonly passed: number; readonly failed: number };
  /** Remote writes while nothing was edited any more; undefined where they can't be counted. */
  readonly writesAfterLastEdit: number | undefined;
  readonly loadSeconds: number;
}

async function prove(world: DemoWorld, scenes: readonly Scene[], loaded: { loadMs: number }): Promise<DemoReport> {
  const { flow } = world;
  await flow.sync();
  const before = await world.writes();
  await flow.sync();
  await flow.sync();
  const after = await world.writes();
  const reports = await flow.verify();
  const catalogs = await new Catalogs(world).count();
  const differences = reports.reduce((sum, one) => sum + one.differences.length, 0);
  const duplicates = Object.values(catalogs).reduce((sum, one) => sum + one.duplicates, 0);
  const failed = scenes.filter((scene) => !scene.ok).length;
  const alike = Object.values(catalogs).every((one) => one.unequal === 0);
  const writesAfterLastEdit = before === undefined || after === undefined ? undefined : after - before;
  const parked = (await flow.parked()).length;
  return {
    ok:
      differences === 0 &&
      duplicates === 0 &&
      failed === 0 &&
      alike &&
      (writesAfterLastEdit ?? 0) === 0 &&
      parked === 0,
    catalogs,
    compared: reports.reduce((sum, one) => sum + one.compared, 0),
    equal: reports.reduce((sum, one) => sum + one.equal, 0),
    differences,
    duplicates,
    parked,
    conflictsLogged: (await flow.conflicts()).length,
    scenes: { passed: scenes.length - failed, failed },
    writesAfterLastEdit,
    loadSeconds: Math.round(loaded.loadMs / 100) / 10,
  };
}

function show(report: DemoReport, output: Output): void {
  const { bold, green, red } = output.colors;
  output.line('');
  output.line('The proof: everything listed on all sides and compared, field by field.');
  output.table(
    Object.entries(report.catalogs).map(([name, one]) => [
      name,
      one.hub,
      one.stripe,
      one.couchdb ?? '–',
      one.unequal,
      one.duplicates,
    ]),
    { head: ['catalog', 'hub', 'Stripe', 'CouchDB', 'unequal', 'twice'], right: [1, 2, 3, 4, 5] },
  );
  output.line(
    `${report.equal} of ${report.compared} pairs equal, ${report.differences} differences, ${report.parked} parked, ${report.conflictsLogged} conflicts logged`,
  );
  if (report.writesAfterLastEdit !== undefined)
    output.line(`remote writes after the last edit: ${report.writesAfterLastEdit}`);
  output.line(report.ok ? bold(green('All sides agree.')) : bold(red('They do NOT agree.')));
}

function stayUp(world: DemoWorld, { output }: DemoOptions): void {
  output.line('');
  output.line('Still running, and the shop is at work: look here, and edit what you like (Ctrl-C ends it):');
  for (const [name, place] of world.places) output.line(`  ${name.padEnd(9)} ${place}`);
}
