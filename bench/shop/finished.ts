/** When a Syncflow under measurement is through. */
import type { Syncflow } from '../../src/syncflow.js';

/** Resolves with the last of so many events; rejects when a record is parked or a loop fails, since the figure would mean nothing then. */
export function finished(flow: Syncflow, event: 'applied' | 'pushed', count: number): Promise<void> {
  let left = count;
  return new Promise((resolve, reject) => {
    flow.on(event, () => {
      if (--left === 0) resolve();
    });
    flow.on('parked', ({ reason }) => reject(new Error(`a record was parked: ${reason}`)));
    flow.on('error', ({ where, error }) => reject(new Error(where, { cause: error })));
  });
}
