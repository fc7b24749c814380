/** Grouping what one statement can write. */

/** Neighbours with the same name: the order is kept, because generated keys follow it. */
export function runsOf<T>(items: readonly T[], nameOf: (item: T) => string): T[][] {
  const runs: T[][] = [];
  let last: string | undefined;
  for (const item of items) {
    const name = nameOf(item);
    if (name === last) runs.at(-1)?.push(item);
    else runs.push([item]);
    last = name;
  }
  return runs;
}

export function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
