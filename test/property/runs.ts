/** How often a property is tried: `PROPERTY_RUNS=20 npx vitest run test/property` searches twenty times as long. */
const factor = Number(process.env['PROPERTY_RUNS'] ?? 1);

export function runs(count: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(count * factor) };
}
