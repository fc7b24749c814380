/** Which step of the road the code is in, told by who called: only asked when a fault strikes. */

export const steps = [
  'capture',
  'route',
  'webhook',
  'inbox',
  'poll',
  'list',
  'claim',
  'plan',
  'intend',
  'check',
  'push',
  'resolve',
  'look',
  'apply',
  'settle',
  'worker',
] as const;
export type Step = (typeof steps)[number];

/** By function, else by file or folder under `src/`; the innermost frame that is named here decides. */
const byFunction: Readonly<Record<string, Step>> = {
  insertIntents: 'intend',
  claimLinks: 'claim',
  claimFromBacklog: 'claim',
  openIntents: 'claim',
  releaseLeases: 'claim',
  renewLeases: 'settle',
  checkBefore: 'check',
  checkCreate: 'check',
  checkDelete: 'check',
  checkUpdate: 'check',
  markedRemotes: 'check',
  brakeWrites: 'plan',
  planLinks: 'plan',
  settleWaiting: 'plan',
  commitResults: 'settle',
  commitTogether: 'settle',
  settleSent: 'settle',
  concluded: 'settle',
  startCursor: 'list',
};
const byPlace: readonly (readonly [string, Step])[] = [
  ['outward/route.ts', 'route'],
  ['outward/resolve.ts', 'resolve'],
  ['outward/push.ts', 'push'],
  ['inward/webhook.ts', 'webhook'],
  ['inward/inbox.ts', 'inbox'],
  ['inward/poll.ts', 'poll'],
  ['inward/observe.ts', 'look'],
  ['apply/', 'apply'],
  ['maintenance/backfill.ts', 'list'],
  ['maintenance/', 'worker'],
  ['engine/loops.ts', 'worker'],
  ['syncflow.ts', 'worker'],
];
const depth = 60;

export function callerStep(): Step {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const { stackTraceLimit } = Error;
  // frames as they are: a text with mapped lines would cost a hundred times as much
  Error.prepareStackTrace = (_error, frames) => frames;
  Error.stackTraceLimit = depth;
  const frames = new Error().stack as unknown as NodeJS.CallSite[];
  if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
  else Object.defineProperty(Error, 'prepareStackTrace', before);
  Error.stackTraceLimit = stackTraceLimit;
  for (const frame of frames) {
    const [, place] = /\/src\/(.*)$/.exec(frame.getFileName() ?? '') ?? [];
    if (place === undefined) continue;
    const step =
      byFunction[frame.getFunctionName()?.replace(/^.*\./, '') ?? ''] ??
      byPlace.find(([start]) => place.startsWith(start))?.[1];
    if (step !== undefined) return step;
  }
  return 'worker';
}
