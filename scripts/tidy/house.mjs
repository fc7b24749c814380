/**
 * The structure of this project, as tables. A place is a folder (`src/store/`) or a file (`src/errors.ts`).
 * `exceptions` are where a rule doesn't hold, each with its reason; one that is no longer needed is reported.
 */
export const house = {
  /** Source files that are loaded from outside: `package.json` names the others (exports, bin). */
  entries: [],

  limits: { fileLines: 450, fileLinesWarning: 400, functionLines: 80 },

  /** What files in `from` may import (their own folder, packages and Node's modules aside). `types` only as types. */
  boundaries: [
    {
      from: 'src/connectors/*/',
      values: [
        'src/subscriber/',
        'src/errors.ts',
        // pure helpers: the codec of canonical values, and how a key is written as text
        'src/catalog/values.ts',
        'src/catalog/key.ts',
      ],
      types: ['src/catalog/'],
      why: 'a connector sees the contract (subscriber/, errors, types of catalog/), not the engine, the store or other connectors',
    },
    {
      from: 'src/subscriber/',
      values: ['src/errors.ts'],
      types: ['src/catalog/'],
      why: 'the contract stands below the engine, the store and every connector',
    },
    {
      from: 'src/errors.ts',
      values: [],
      types: [],
      why: 'errors are below everything',
    },
  ],

  /** Who may import a place at all. */
  visibility: [
    {
      to: 'src/connectors/',
      only: ['src/demo/', 'src/cli/config.ts'],
      why: 'shared code never knows which system it talks to: let the connector declare a capability',
    },
    {
      to: 'src/cli/',
      // index.ts: for `defineConfig`
      only: ['src/demo/', 'src/index.ts'],
      why: 'the command line is a face: nothing but the demo builds on it',
    },
    { to: 'src/demo/', only: ['src/cli/'], why: 'the demo is a user of the library' },
    {
      to: 'src/testing/',
      only: ['src/demo/', 'src/cli/'],
      why: 'simulators are for tests, the demo and `syncflow simulator`',
    },
  ],

  /** Pure: what they import at run time, directly or through others, is neither the store nor a module of Node. */
  pure: ['src/merge/', 'src/outward/plan.ts', 'src/outward/retry.ts', 'src/subscriber/'],
  impure: ['src/store/', 'node:'],

  /** Where `console` and `process.stdout` may be used. */
  printing: ['src/cli/'],

  /** The home of SQL, and the demo, which plays an app that writes past the library. */
  sql: ['src/store/', 'src/demo/'],

  exceptions: [
    {
      rule: 'sql',
      place: 'src/catalog/table.ts',
      reason: "makes and checks the user's own tables: DDL and the system catalogs",
    },
    { rule: 'sql', place: 'src/capture/', reason: 'triggers: DDL and the bodies of their functions' },
    { rule: 'sql', place: 'src/outward/brake.ts', reason: 'one count, beside the rule that it serves' },
  ],
};
