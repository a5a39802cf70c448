/**
 * Downloads make way. Of many songs that come at once, all downloads lie at the front of the queue, and the parts of the
 * first song behind the last of them: with short songs the first result would wait for that longer than for its own work.
 * So a download that comes while an older song's work is still on its way into the queue, or waits there, is handed back
 * once, and queued again behind it.
 */

/** By then the downloads that lay before a song's work have come by, and other instances may have taken it. */
const EXPECTED_MS = 15_000;

/** Activities that are to come for songs that this process has downloaded. */
const expected = new Map<string, { activities: number; readonly since: number }>();

/** A song has been downloaded here, and so many activities follow. */
export function expectActivities(audioFileId: string, activities: number): void {
  expected.set(audioFileId, { activities, since: performance.now() });
}

/** One of a song's activities has come by. */
export function activityCame(audioFileId: string): void {
  const song = expected.get(audioFileId);
  if (song && --song.activities === 0) expected.delete(audioFileId);
}

/** Whether work of other songs is to come before a download. */
export function othersAreExpected(audioFileId: string): boolean {
  const now = performance.now();
  for (const [id, { since }] of expected) if (now - since > EXPECTED_MS) expected.delete(id);
  return [...expected.keys()].some((id) => id !== audioFileId);
}

/** For tests, which have many workers in one process. */
export function forgetExpected(): void {
  expected.clear();
}
