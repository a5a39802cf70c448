import { quote, Refusal } from './refusal.ts';
import { describe, Fraction, type PlainValue } from './values.ts';

/** Far deeper than any configuration. A value that contains itself is deeper than that. */
const MAX_DEPTH = 32;

/**
 * Throws a `Refusal` that begins with `where` unless `value` is plain all the way down. Works level by
 * level and sees each object once in a level, so that values nested in many places cost no more time.
 */
export function assertPlain(value: unknown, where: string): asserts value is PlainValue {
  let level = new Set([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > MAX_DEPTH) throw new Refusal(`${where} is nested more than ${MAX_DEPTH} levels deep`);
    const below = new Set<unknown>();
    for (const item of level) {
      for (const child of children(item, where)) below.add(child);
    }
    level = below;
  }
}

function* children(value: unknown, where: string): Generator<unknown> {
  if (Array.isArray(value) || value instanceof Set) {
    yield* value;
  } else if (value instanceof Map) {
    yield* value.keys();
    yield* value.values();
  } else if (!isLeaf(value)) {
    throw new Refusal(`${where} holds ${describe(value)}, expected plain values`);
  }
}

const isLeaf = (value: unknown) =>
  value === null ||
  ['boolean', 'number', 'bigint', 'string'].includes(typeof value) ||
  value instanceof Uint8Array ||
  value instanceof Fraction;

/** The entries of a dict whose keys are strings, in its order; `where` names the dict in a `Refusal`. */
export function stringEntries(value: unknown, where: string): [string, unknown][] {
  if (!(value instanceof Map)) throw new Refusal(`${where} is ${describe(value)}, expected a dict`);
  return Array.from(value, ([key, item]) => {
    if (typeof key !== 'string')
      throw new Refusal(`${where} has ${describe(key)} as a key, expected strings`);
    return [key, item];
  });
}

/** A dict with plain values as a record; `where` names the dict in a `Refusal`. */
export function plainRecord(value: unknown, where: string): Record<string, PlainValue> {
  return Object.fromEntries(
    stringEntries(value, where).map(([key, item]) => {
      assertPlain(item, `${where}.${quote(key)}`);
      return [key, item];
    }),
  );
}
