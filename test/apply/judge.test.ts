import { expect, test } from 'vitest';
import { judge, type Facts, type OwnLink } from '../../src/apply/judge.js';

const rules = { match: ['email'], createInward: 'propagate' } as const;
const nobody: Facts = {
  remoteId: 'r1',
  accepted: true,
  marked: undefined,
  isPresent: false,
  free: [],
  taken: [],
  rivals: [],
  create: undefined,
  late: undefined,
  own: () => undefined,
};
const idle: OwnLink = { id: '7', remoteId: undefined, busy: false, parked: undefined };
const key = '["1"]';
const adopted = { kind: 'adopt', key, own: undefined, concludes: false };

const cases: readonly [string, Partial<Facts>, object][] = [
  ['nobody knows it: a record is made', {}, { kind: 'create' }],
  ['the subscriber has nothing to do with it', { accepted: false, marked: key }, { kind: 'exclude' }],
  ['one record matches', { free: [key] }, adopted],
  ['its own link gives way', { free: [key], own: () => idle }, { ...adopted, own: idle }],
  [
    'two records match',
    { free: [key, '["2"]'] },
    { kind: 'park', code: 'ambiguous', reason: 'records ["1"], ["2"] and remote r1 match by email' },
  ],
  [
    'another remote matches the same record',
    { free: [key], rivals: ['r2'] },
    { kind: 'park', code: 'ambiguous', reason: 'record ["1"] and remotes r1, r2 match by email' },
  ],
  [
    'the record that matches has a remote',
    { taken: [{ key, remoteId: 'r9' }] },
    {
      kind: 'park',
      code: 'ambiguous',
      reason: 'it matches by email what has a remote already: record ["1"] (r9)',
    },
  ],
  [
    'a free record outweighs one that has a remote',
    { free: [key], taken: [{ key: '["2"]', remoteId: 'r9' }] },
    adopted,
  ],
  ['our marker names its record', { marked: key, isPresent: true }, adopted],
  [
    'our marker names a record that is not here',
    { marked: key },
    { kind: 'park', code: 'twin', reason: 'it bears the marker of record ["1"], which is not here' },
  ],
  [
    'two bear one marker',
    { marked: key, isPresent: true, rivals: ['r0'] },
    { kind: 'park', code: 'twin', reason: 'r0, r1 bear the marker of record ["1"]' },
  ],
  [
    'the record that its marker names has another remote',
    { marked: key, isPresent: true, own: () => ({ ...idle, remoteId: 'r9' }) },
    { kind: 'park', code: 'twin', reason: 'record ["1"] is linked to r9 already: this remote is a twin' },
  ],
  ['somebody is at work on the record', { free: [key], own: () => ({ ...idle, busy: true }) }, { kind: 'later' }],
  [
    'the create of the record is held',
    { free: [key], own: () => ({ ...idle, busy: true, parked: 'brake' }) },
    { kind: 'await', key },
  ],
  [
    'its marker proves what a create of unknown fate has made',
    { marked: key, isPresent: true, own: () => ({ ...idle, busy: true, parked: 'unknown-create' }) },
    { kind: 'adopt', key, own: { ...idle, busy: true, parked: 'unknown-create' }, concludes: true },
  ],
  [
    'a match proves nothing of the kind',
    { free: [key], own: () => ({ ...idle, busy: true, parked: 'unknown-create' }) },
    { kind: 'await', key },
  ],
  ['a create without a marker is under way', { free: [key], create: { key, parked: false } }, { kind: 'later' }],
  [
    'the same, and it is parked',
    { create: { key, parked: true } },
    {
      kind: 'park',
      code: 'ambiguous',
      reason: 'it may be what the create of ["1"] made, which is parked: decide about that first',
    },
  ],
  [
    'what a create that was given up may have made',
    { late: key },
    {
      kind: 'park',
      code: 'twin',
      reason:
        'it may be what the create of ["1"] made, which came late and was given up: delete it there, or retry in an hour, and it becomes a record',
    },
  ],
  ['the same, and a record of these values waits for it', { late: key, free: [key] }, adopted],
];

test.each(cases)('%s', (_name, known, verdict) => {
  expect(judge({ ...nobody, ...known }, rules)).toEqual(verdict);
});

test('what the policies say of new remotes', () => {
  expect(judge(nobody, { ...rules, createInward: 'ignore' })).toEqual({ kind: 'exclude' });
  expect(judge(nobody, { ...rules, createInward: 'park' })).toMatchObject({ kind: 'park', code: 'policy' });
  // they are about new records: one that is there is paired
  expect(judge({ ...nobody, free: [key] }, { ...rules, createInward: 'ignore' })).toEqual(adopted);
});
