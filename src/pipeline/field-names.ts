import { distance } from 'fastest-levenshtein';

/** Share of a name's letters that may be wrong for it to count as meant. */
const TYPO_SHARE = 0.4;
/** Fewer letters than these stand in too many names by chance. */
const MIN_PART = 2;

/** Letters and digits alone, so that `callbackUrl`, `Callback-URL` and `callback_url` are the same. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The name among `known` that `given` was meant to be: by its letters, as a part, or with few wrong ones; if any. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const wanted = plain(given);
  if (wanted.length < MIN_PART) return undefined;
  const scored = known.map((name) => ({ name, errors: distance(wanted, plain(name)), letters: plain(name) }));
  const [best] = scored.toSorted((a, b) => a.errors - b.errors);
  if (best && best.errors <= TYPO_SHARE * Math.max(wanted.length, best.letters.length)) return best.name;
  return scored.find(({ letters }) => letters.includes(wanted) || wanted.includes(letters))?.name;
}
