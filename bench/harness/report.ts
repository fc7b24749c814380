/** Results for people and for programs. */
import { isMet, type Outcome, type Row } from './benchmark.js';
import type { Machine } from './machine.js';

export function describeMachineLine(machine: Machine): string {
  const { cpu, cores, memoryGb, load, node, postgres, postgresSettings, versions } = machine;
  const settings = Object.entries(postgresSettings).map(([name, value]) => `${name}=${value}`);
  return [
    `${cores} × ${cpu}, ${memoryGb} GB, load ${load}, node ${node.slice(1)}, Postgres ${postgres ?? '–'} (${settings.join(', ')})`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ].join('\n');
}

export function describeOutcome({ benchmark, rows, absolutes, notes }: Outcome): string {
  const labels = rows.map(({ what, when }) => (when === undefined ? what : `${when}, ${what}`));
  const width = Math.max(0, ...labels.map(({ length }) => length));
  return [
    benchmark,
    ...rows.map((one, index) => `  ${labels[index]?.padEnd(width)}  ${describeRow(one)}`),
    ...absolutes.map(({ contender, figures }) => `    ${contender}: ${describeFigures(figures)}`),
    ...notes.map((note) => `    ${note}`),
  ].join('\n');
}

function describeRow(one: Row): string {
  const { ratio, target } = one;
  const spread = `min ${ratioText(ratio.min)}, quartiles ${ratioText(ratio.lowerQuartile)}–${ratioText(ratio.upperQuartile)}, max ${ratioText(ratio.max)}, n=${ratio.count}`;
  const met = isMet(one);
  const verdict =
    target === undefined || met === undefined
      ? 'no target'
      : `target ${target.bound === 'least' ? '≥' : '≤'} ${target.value}  ${met ? 'met' : 'MISSED'}`;
  return `${ratioText(ratio.median)}  (${spread})  ${verdict}`;
}

export function describeFigures(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${numberText(value)}`)
    .join(', ');
}

function ratioText(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3);
}

/** With three digits that count; whole from a hundred on. */
function numberText(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

/** The last line: how many targets were met. */
export function summarise(outcomes: readonly Outcome[]): { readonly text: string; readonly missed: number } {
  const verdicts = outcomes.flatMap(({ rows }) => rows.map(isMet)).filter((met) => met !== undefined);
  const missed = verdicts.filter((met) => !met).length;
  return {
    text: `${verdicts.length - missed} of ${verdicts.length} targets met${missed > 0 ? `, ${missed} missed` : ''}`,
    missed,
  };
}
