/** Subscribers of one account that take the same kind of object: without `accepts` each makes records of what is the other's. Pure. */
import type { Binding } from '../engine/binding.js';
import { SubscriberBase } from '../subscriber/base.js';
import type { Finding } from './finding.js';

/** Those that take whatever this one takes. None where it says by `accepts` which are its, or makes no records. */
export function sharing(binding: Binding, bindings: readonly Binding[]): string[] {
  const { policies, subscriber } = binding;
  if (policies.createInward === 'ignore' || subscriber.accepts !== SubscriberBase.prototype.accepts) return [];
  return bindings.filter((other) => other !== binding && takesTheSame(binding, other)).map(({ id }) => id);
}

function takesTheSame(one: Binding, other: Binding): boolean {
  if (one.account !== other.account) return false;
  const [mine, its] = [one.subscriber.takes, other.subscriber.takes];
  // who doesn't say what he takes is only known to take what another of his class does
  return mine === undefined && its === undefined
    ? one.subscriber.constructor === other.subscriber.constructor
    : mine === its;
}

export function checkShared(bindings: readonly Binding[]): Finding[] {
  return bindings.flatMap((binding): Finding[] => {
    const others = sharing(binding, bindings);
    if (others.length === 0) return [];
    const { takes } = binding.subscriber;
    return [
      {
        subscriber: binding.id,
        unit: undefined,
        remote: undefined,
        level: 'warning',
        problem: `it takes every ${takes ?? 'object'} of the account "${binding.account}", and ${others.join(', ')} takes them, too: records are made of each other's`,
        cure: "Say which are whose: accepts(remote) in each of them. Or let only one make records: createInward: 'ignore'.",
        fatal: false,
      },
    ];
  });
}
