/** The causes of a difference in words, for people at the command line and at the dashboard. Pure text: browsers load it, too. */
import type { DriftCause } from './drift.js';

export const driftCauses: Readonly<Record<DriftCause, string>> = {
  'edited-there': 'edited there, and nobody heard of it',
  'edited-here': 'edited here, and not sent',
  'edited-both': 'edited on both sides',
  'never-agreed': 'never synced',
  normalised: 'the remote’s form of it, as agreed',
  unsent: 'only here: no remote was made',
  unseen: 'only there: no record was made',
  'not-listed': 'the remote isn’t listed: deleted there, or hidden',
  'row-missing': 'the row is gone, and no DELETE was seen',
  twin: 'a second remote of a record',
  unreadable: 'its row can’t be read',
  waiting: 'about to be synced',
  parked: 'parked',
};
