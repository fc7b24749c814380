#!/usr/bin/env node
/** The executable. */
import { nodeIo } from './io.js';
import { run } from './program.js';

const code = await run(process.argv.slice(2), nodeIo());
// Whatever a config has opened (sockets, pools) must not keep a finished command alive; its output must be out, though.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
