/** Writes a batch of operations: one read of all their documents, one write of all that needs writing. */
import { messageOf, SyncflowError } from '../../errors.js';
import { done, rejected, retry, unknown, type Outcome } from '../../subscriber/outcome.js';
import type { CouchAccount } from './account.js';
import { currentOf, writtenOf, type Current, type WrittenRow } from './answers.js';
import { decide, type CouchOperation, type Terms } from './decide.js';
import { checkDocumentId, type StoredDocument, type WritableDocument } from './document.js';
import { CouchFailure, outcomeOfCouchError, outcomeOfRow } from './failure.js';

export interface PushContext {
  readonly account: CouchAccount;
  readonly database: string;
  readonly terms: Terms;
  /** The id of a record's document. */
  documentId(operation: CouchOperation): string;
}

type Answer = Outcome<StoredDocument>;

interface Task {
  readonly operation: CouchOperation;
  readonly id: string;
  outcome: Answer | undefined;
  doc: WritableDocument | undefined;
}

/** Reads documents by their ids: always by `_all_docs`, which takes any id and tells a tombstone from nothing. */
export async function readMany(
  account: CouchAccount,
  database: string,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Current>> {
  if (ids.length === 0) return new Map();
  const answer = await account.request({
    database,
    method: 'POST',
    path: '_all_docs',
    query: { include_docs: true },
    body: { keys: ids },
    ...(signal === undefined ? {} : { signal }),
  });
  return currentOf(answer, ids);
}

/** Answers in the order of the operations. Never throws: what can't be told is `unknown`. */
export async function pushBatch(context: PushContext, operations: readonly CouchOperation[]): Promise<Answer[]> {
  const tasks = prepare(context, operations);
  const signal = AbortSignal.any([...new Set(operations.map((operation) => operation.signal))]);
  await readAndDecide(context, open(tasks), signal);
  const refused: Task[] = [];
  await write(context, open(tasks), signal, refused);
  await explainConflicts(context, refused, signal);
  return tasks.map((task) => task.outcome ?? unknown('no answer'));
}

function open(tasks: readonly Task[]): Task[] {
  return tasks.filter((task) => task.outcome === undefined);
}

function prepare(context: PushContext, operations: readonly CouchOperation[]): Task[] {
  const seen = new Set<string>();
  return operations.map((operation) => {
    const task: Task = { operation, id: '', outcome: undefined, doc: undefined };
    if (operation.signal.aborted) return { ...task, outcome: untouched(operation, 'the worker is stopping') };
    try {
      const id = checkDocumentId(operation.kind === 'create' ? context.documentId(operation) : operation.remoteId);
      if (seen.has(id))
        return {
          ...task,
          id,
          outcome: untouched(operation, `another operation of this batch writes the document ${id}`),
        };
      seen.add(id);
      return { ...task, id };
    } catch (error) {
      return { ...task, outcome: rejected(messageOf(error)) };
    }
  });
}

async function readAndDecide(context: PushContext, tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  let current: Map<string, Current>;
  try {
    current = await readMany(
      context.account,
      context.database,
      tasks.map((task) => task.id),
      signal,
    );
  } catch (error) {
    for (const task of tasks) task.outcome = unread(task.operation, error);
    return;
  }
  for (const task of tasks) {
    try {
      const decision = decide(task.operation, task.id, current.get(task.id) ?? { kind: 'absent' }, context.terms);
      if (decision.kind === 'answer') task.outcome = decision.outcome;
      else task.doc = decision.doc;
    } catch (error) {
      task.outcome = error instanceof SyncflowError ? outcomeOfCouchError(error) : rejected(messageOf(error));
    }
  }
}

/** One `_bulk_docs`. A request that is refused as a whole is halved until the document that it is refused for stands alone. */
async function write(
  context: PushContext,
  tasks: readonly Task[],
  signal: AbortSignal,
  refused: Task[],
): Promise<void> {
  if (tasks.length === 0) return;
  let rows: Map<string, WrittenRow>;
  try {
    const body = { docs: tasks.map((task) => task.doc) };
    rows = writtenOf(
      await context.account.request({ database: context.database, method: 'POST', path: '_bulk_docs', body, signal }),
    );
  } catch (error) {
    // nothing is applied of a request that is malformed or too large
    if (tasks.length > 1 && error instanceof CouchFailure && (error.status === 400 || error.status === 413)) {
      const half = Math.ceil(tasks.length / 2);
      await write(context, tasks.slice(0, half), signal, refused);
      await write(context, tasks.slice(half), signal, refused);
      return;
    }
    for (const task of tasks) task.outcome = outcomeOfCouchError(error);
    return;
  }
  for (const task of tasks) {
    const row = rows.get(task.id);
    if (row?.kind === 'refused' && row.error === 'conflict') refused.push(task);
    else task.outcome = outcomeOfTask(task, row);
  }
}

function outcomeOfTask(task: Task, row: WrittenRow | undefined): Answer {
  if (row === undefined) return unknown('the answer has no row for it');
  if (row.kind === 'refused') return outcomeOfRow(row.error, row.reason);
  if (task.operation.kind === 'delete') return done(task.id);
  return done(task.id, { ...task.doc, _id: task.id, _rev: row.rev });
}

/** Somebody wrote between our read and our write: another read tells what they made of it. Nothing is written again. */
async function explainConflicts(context: PushContext, tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  if (tasks.length === 0) return;
  await readAndDecide(context, tasks, signal);
  for (const task of tasks) task.outcome ??= retry('the document was being written by somebody else');
}

/** Nothing was sent this time; an earlier try of the same operation may still have taken effect. */
function untouched(operation: CouchOperation, reason: string): Answer {
  return operation.kind !== 'delete' && operation.resumed ? unknown(reason) : retry(reason);
}

function unread(operation: CouchOperation, error: unknown): Answer {
  const outcome = outcomeOfCouchError(error);
  return outcome.kind === 'blocked' ? outcome : untouched(operation, messageOf(error));
}
