/** What is said of an error, and with which code the process ends. */
import { CommanderError } from 'commander';
import { messageOf, SyncflowError } from '../errors.js';
import { maskSecrets } from '../server/redact.js';
import { exitCodes, Interrupted, type Cli } from './context.js';

export function report(cli: Cli, error: unknown): number {
  if (error instanceof CommanderError) {
    const code = usageCode(error);
    if (cli.json && code !== exitCodes.ok)
      cli.output.json({ error: { code: 'usage', message: error.message.replace(/^error: /, '') } });
    return code;
  }
  if (error instanceof Interrupted || (error instanceof Error && error.name === 'AbortError' && cli.signal.aborted)) {
    cli.output.note('ended before it was done');
    return exitCodes.interrupted;
  }
  if (cli.json) cli.output.json({ error: asData(error) });
  const detail = cli.debug ? stackOf(error) : undefined;
  if (error instanceof SyncflowError) {
    cli.output.error(error.message, error.hint, detail);
    return error.code === 'usage' ? exitCodes.usage : exitCodes.failure;
  }
  cli.output.error(
    messageOf(error) || 'something failed without a message',
    cureOf(error) ?? (cli.debug ? undefined : 'With --debug you see where.'),
    detail,
  );
  return exitCodes.failure;
}

/** For a program: on stdout, where it reads. People read the same on stderr. */
function asData(error: unknown): object {
  const message = maskSecrets(messageOf(error) || 'something failed without a message');
  if (!(error instanceof SyncflowError)) return { code: 'internal', message };
  const { code, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint: maskSecrets(hint) }) };
}

/** Of errors of the database and of files that nobody has put into words. */
function cureOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  switch (code) {
    case '42501':
      return 'The hub’s role lacks a right. Which, and what gives it: syncflow doctor';
    case '42P01':
    case '42703':
      return 'A table or a column isn’t as it should be. Which, and what to do: syncflow doctor';
    case 'ENOENT':
      return 'There is no such file or folder: is the path right?';
    case 'EACCES':
    case 'EPERM':
      return 'This user may not read or write there.';
    case 'EISDIR':
    case 'ENOTDIR':
      return 'Give a file.';
    case 'ENOSPC':
      return 'The disk is full.';
    default:
      return undefined;
  }
}

/** Commander has written its message already. */
function usageCode(error: CommanderError): number {
  return error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
    ? exitCodes.ok
    : exitCodes.usage;
}

function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < 5; at = at.cause)
    stacks.push(at.stack ?? String(at));
  return stacks.join('\ncaused by ');
}
