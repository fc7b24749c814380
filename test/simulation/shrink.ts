/** Makes a failing world smaller: what isn't needed for the same invariant to fail is left out, one thing after the other. */
import type { FaultKind } from './faults.js';
import type { SeedResult } from './simulate.js';
import type { Scope } from './world.js';

export interface Shrunk {
  readonly scope: Scope;
  readonly result: SeedResult;
  readonly tries: number;
}

/** The fewest edits that are tried. */
const fewestEdits = 5;

/** @param play plays the same seed in a smaller scope @param mostTries worlds played at most */
export async function shrink(
  failed: SeedResult,
  play: (scope: Scope) => Promise<SeedResult>,
  mostTries = 60,
): Promise<Shrunk> {
  const invariant = failed.violations[0]?.invariant;
  let best: Shrunk = { scope: {}, result: failed, tries: 0 };
  let tries = 0;
  const fails = async (scope: Scope): Promise<boolean> => {
    if (tries >= mostTries) return false;
    tries += 1;
    const result = await play(scope);
    if (!result.violations.some((one) => one.invariant === invariant)) return false;
    best = { scope, result, tries };
    return true;
  };
  for (const kind of Object.keys(failed.faults) as FaultKind[])
    await fails({ ...best.scope, without: [...(best.scope.without ?? []), kind] });
  for (let workers = 1; workers <= 3; workers++) if (await fails({ ...best.scope, workers })) break;
  for (let remotes = 1; remotes <= 3; remotes++) if (await fails({ ...best.scope, remotes })) break;
  // fewer, while it helps; each time by less
  for (let cut = failed.edits / 2; cut >= 1; cut /= 2) {
    for (;;) {
      const edits = Math.round((best.scope.edits ?? failed.edits) - cut);
      if (edits < fewestEdits || !(await fails({ ...best.scope, edits }))) break;
    }
  }
  return { ...best, tries };
}
