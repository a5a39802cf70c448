import type { Config } from '../pipeline/config.ts';
import type { SongRequest } from '../pipeline/contracts.ts';

type Settings = Pick<SongRequest, 'model' | 'stems'>;

/**
 * Whether `asked` names a model or stems other than those of an earlier request for the same song. What it does not name
 * it leaves to whoever asked before.
 */
export function asksOtherSettings(
  asked: Settings,
  before: Settings,
  { model }: Pick<Config, 'model'>,
): boolean {
  if (asked.model !== undefined && asked.model !== (before.model ?? model)) return true;
  return asked.stems !== undefined && setOf(asked.stems) !== setOf(before.stems ?? []);
}

const setOf = (stems: readonly string[]) => [...new Set(stems)].sort().join();
