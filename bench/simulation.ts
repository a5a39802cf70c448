/** What a song costs, in seconds of one computing process where nothing else is said. */
export interface Costs {
  readonly download: number;
  /** Each part of the separation. */
  readonly parts: readonly number[];
  readonly analyze: number;
  /** Assembly, with the chords of the stems, and upload. */
  readonly publish: number;
  /** Decoding on a further instance. */
  readonly decode: number;
  /** Bytes of the song. */
  readonly bytesRead: number;
  /** Bytes of its stems and their copies for the chords. */
  readonly bytesWritten: number;
  /** Blocks of these. */
  readonly blocks: number;
}

/** Seconds that an activity lies in its queue before an instance that is free sees it. */
const POLL_SECONDS = 0.5;

interface Activity {
  readonly song: number;
  readonly stage: 'download' | 'work' | 'publish';
  readonly seconds: number;
  /** When it can begin at the earliest. */
  readonly ready: number;
}

interface Instance {
  free: number;
  /** Songs that it has decoded. */
  readonly decoded: Set<number>;
}

/**
 * Simulates `songs` that all wait at the beginning, on instances that take one activity at a time, the one that is ready
 * first. Gives the seconds until the last has ended.
 */
export function simulate(
  costs: Costs,
  { instances, songs }: { instances: number; songs: number },
): { seconds: number } {
  const pool = Array.from({ length: instances }, (): Instance => ({ free: 0, decoded: new Set() }));
  const queue: Activity[] = Array.from({ length: songs }, (_, song) => ({
    song,
    stage: 'download',
    seconds: costs.download,
    ready: POLL_SECONDS,
  }));
  const open = new Array<number>(songs).fill(0);
  const worked = new Array<number>(songs).fill(0);
  let end = 0;
  while (queue.length > 0) {
    const instance = pool.reduce((a, b) => (b.free < a.free ? b : a));
    const next = queue.reduce((a, b, i) => (b.ready < queue[a].ready ? i : a), 0);
    const [{ song, stage, seconds, ready }] = queue.splice(next, 1);
    const decode = stage === 'work' && !instance.decoded.has(song) ? costs.decode : 0;
    if (stage !== 'publish') instance.decoded.add(song);
    instance.free = Math.max(instance.free, ready) + decode + seconds;
    end = Math.max(end, instance.free);
    const after = instance.free + POLL_SECONDS;
    if (stage === 'download') {
      for (const work of [costs.analyze, ...costs.parts])
        queue.push({ song, stage: 'work', seconds: work, ready: after });
      open[song] = 1 + costs.parts.length;
    } else if (stage === 'work') {
      worked[song] = Math.max(worked[song], after);
      if (--open[song] === 0)
        queue.push({ song, stage: 'publish', seconds: costs.publish, ready: worked[song] });
    }
  }
  return { seconds: end };
}
