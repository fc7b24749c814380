/** The systems' side: credentials, clocks, webhooks, and how long their events are kept. */
import type { Binding } from '../engine/binding.js';
import type { Clock } from '../engine/environment.js';
import { messageOf } from '../errors.js';
import { retentionLevel } from '../inward/retention.js';
import { maskSecrets } from '../server/redact.js';
import type { Database } from '../store/database.js';
import { feeds, type Feed } from '../store/health.js';
import { isProbing, type Probe } from '../subscriber/probe.js';
import { broken, duration, ok, warning, type Finding } from './finding.js';
import { skewFinding } from './hub.js';

const probeTimeoutMs = 15_000;

export async function examineRemotes(
  db: Database | undefined,
  bindings: readonly Binding[],
  accounts: Readonly<Record<string, unknown>>,
  clock: Clock,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const probes = new Map<string, Probe>();
  for (const name of new Set(bindings.map((binding) => binding.account))) {
    const asked = await examineAccount(name, accounts[name], clock);
    findings.push(...asked.findings);
    if (asked.probe !== undefined) probes.set(name, asked.probe);
  }
  if (db === undefined) return findings;
  const known = new Map(
    (
      await feeds(
        db,
        bindings.map(({ id }) => id),
      )
    ).map((feed) => [feed.subscriber, feed]),
  );
  for (const binding of bindings) {
    const feed = known.get(binding.id);
    if (feed !== undefined) findings.push(...examineFeed(binding, feed, probes.get(binding.account)));
  }
  return findings;
}

async function examineAccount(
  name: string,
  account: unknown,
  clock: Clock,
): Promise<{ readonly findings: Finding[]; readonly probe?: Probe }> {
  const check = `account ${name}`;
  if (!isProbing(account)) return { findings: [ok(check, 'can’t be asked (its class has no probe())')] };
  const before = clock.now().getTime();
  const probe = await inTime(account.probe());
  const after = clock.now().getTime();
  const reason = probe.reason === undefined ? '' : `: ${maskSecrets(probe.reason)}`;
  if (probe.outcome === 'refused')
    return {
      findings: [
        broken(
          check,
          `it refuses our credentials${reason}`,
          'Check the key and its rights, where the config takes it from; then: syncflow parked retry',
        ),
      ],
      probe,
    };
  if (probe.outcome === 'unreachable')
    return {
      findings: [
        broken(
          check,
          `it doesn’t answer${reason}`,
          'Is it up, the address right, and this machine allowed to reach it?',
        ),
      ],
      probe,
    };
  const findings = [ok(check, 'its credentials work')];
  if (probe.serverTime !== undefined) {
    // a Date header has whole seconds, cut
    const skew = Date.parse(probe.serverTime) + 500 - (before + after) / 2;
    findings.push(skewFinding(`clock of ${name}`, skew));
  }
  return { findings, probe };
}

async function inTime(asked: Promise<Probe>): Promise<Probe> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Probe>((resolve) => {
    timer = setTimeout(
      () => resolve({ outcome: 'unreachable', reason: `no answer in ${probeTimeoutMs / 1_000} s` }),
      probeTimeoutMs,
    );
  });
  const failed = (error: unknown): Probe => ({ outcome: 'unreachable', reason: messageOf(error) });
  const probe = await Promise.race([asked.catch(failed), late]);
  clearTimeout(timer);
  return probe;
}

function examineFeed(
  { id, subscriber: { capabilities, eventRetentionMs } }: Binding,
  feed: Feed,
  probe: Probe | undefined,
): Finding[] {
  const findings: Finding[] = [];
  if (feed.paused) findings.push(warning(id, 'it is paused', `syncflow resume ${id}`));
  if (feed.held)
    findings.push(broken(id, 'it is held: credentials or quota', 'Mend them, then: syncflow parked retry'));
  if (feed.deaf !== null)
    findings.push(
      broken(
        id,
        `nothing is heard from it: ${maskSecrets(feed.deaf)}`,
        'Mend what it says. It is tried again by itself; at once with: syncflow parked retry',
      ),
    );
  if (capabilities.webhooks && probe?.webhookSecret === false) {
    const cure = 'Give the account the endpoint’s signing secret (webhookSecrets).';
    findings.push(
      capabilities.polling
        ? warning(`webhooks of ${id}`, 'no secret is set: deliveries are refused, polling alone tells of changes', cure)
        : broken(`webhooks of ${id}`, 'no secret is set: deliveries are refused, and there is no polling', cure),
    );
  } else if (capabilities.webhooks || capabilities.polling) {
    const last =
      feed.lastEventMs === null
        ? 'nothing came from there yet'
        : `the last event came ${duration(feed.lastEventMs)} ago`;
    findings.push(ok(`events of ${id}`, last));
  }
  return [...findings, ...examineRetention(id, feed, eventRetentionMs, probe)];
}

/** An alarm before the system forgets what hasn't been read. */
function examineRetention(
  id: string,
  { cursorAgeMs }: Feed,
  declaredMs: number | undefined,
  probe: Probe | undefined,
): Finding[] {
  const told = probe?.eventRetentionHours;
  const kept = declaredMs ?? (told === undefined ? undefined : told * 3_600_000);
  if (kept === undefined || cursorAgeMs === null) return [];
  const check = `retention of ${id}`;
  const message = `read up to ${duration(cursorAgeMs)} ago; its events are kept for ${duration(kept)}`;
  switch (retentionLevel(cursorAgeMs, kept)) {
    case undefined:
      return [ok(check, message)];
    case 'half':
    case 'urgent':
      return [
        broken(
          check,
          message,
          'Before they are gone: does a worker run (syncflow start), and does its system answer (syncflow status)?',
        ),
      ];
    case 'lost':
      return [
        broken(
          check,
          message,
          'What is gone is made up for by a whole listing, which a start does by itself: syncflow start',
        ),
      ];
  }
}
