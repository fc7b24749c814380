import { EmbeddedDatabase } from '/work/wt-sim/src/store/embedded.js';
import { simulate } from '/work/wt-sim/test/simulation/simulate.js';
const db = new EmbeddedDatabase(); await db.open();
const t = performance.now();
const r = await simulate(Number(process.argv[2]), db);
console.log(r, performance.now() - t);
process.exit(0);
