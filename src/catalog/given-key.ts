/** Keys as people give them. */
import { messageOf, SyncflowError } from '../errors.js';
import { toRecordKey, type CatalogDefinition } from './catalog.js';
import { keyFields, keyOfRecord, parseKey, type RecordKey } from './key.js';

/**
 * A key as the engine writes it, from its text (`["42"]`), a value, or an object with every key field.
 *
 * @throws SyncflowError `usage` saying what the key of that catalog is like
 */
export function givenKey(definition: CatalogDefinition, given: unknown): RecordKey {
  try {
    const parts = textParts(given);
    if (parts === undefined) return toRecordKey(definition, given);
    if (parts.length !== definition.key.length) throw new Error(`${parts.length} given`);
    // in canonical form: 042 is 42
    return keyOfRecord(definition, keyFields(definition, given as RecordKey));
  } catch (error) {
    const names = definition.key.join(', ');
    const many = definition.key.length > 1;
    // what was read of the text is of no use to who typed it
    const why = messageOf(error).includes("doesn't fit the type")
      ? `it doesn't fit the type of ${names}`
      : messageOf(error);
    throw new SyncflowError('usage', `that can't be a key of ${definition.name}: ${why}`, {
      hint: many
        ? `Its key is ${names}: write '[${definition.key.map((name) => `"<${name}>"`).join(', ')}]'.`
        : `Its key is ${names} (${definition.columns.find((one) => one.name === names)?.column.kind ?? 'a value'}).`,
    });
  }
}

function textParts(given: unknown): string[] | undefined {
  if (typeof given !== 'string' || !given.startsWith('[')) return undefined;
  try {
    const parts = parseKey(given);
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : undefined;
  } catch {
    return undefined;
  }
}
