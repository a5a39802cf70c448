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

/** How the queue of activities is used. */
export interface Order {
  /** The late stages are queued by themselves, or done by the activity that completes the song's parts. */
  readonly late: 'queued' | 'in the last slot';
  /** Downloads are handed back once while work of songs before them is on its way into the queue. */
  readonly downloadsMakeWay: boolean;
}

/** As the worker does it, and as it would be without its late stages and downloads being cared for. */
export const WORKER_ORDER: Order = { late: 'in the last slot', downloadsMakeWay: true };
export const PLAIN_ORDER: Order = { late: 'queued', downloadsMakeWay: false };

export interface Simulated {
  /** Until the last song has ended. */
  readonly seconds: number;
  /** When each song has ended, in the order in which they came. */
  readonly ended: readonly number[];
}

/** Seconds that an activity lies in its queue before an instance that is free sees it, in Azure. */
const POLL_SECONDS = 0.5;
/** Seconds after which a download that has made way is queued again, and those that the handing back takes. */
const MAKE_WAY_SECONDS = 1;
const HAND_BACK_SECONDS = 0.02;

interface Activity {
  readonly song: number;
  readonly stage: 'download' | 'work' | 'publish';
  readonly seconds: number;
  /** When it can begin at the earliest. */
  readonly ready: number;
  readonly madeWay?: boolean;
}

interface Instance {
  free: number;
  /** Songs that it has decoded. */
  readonly decoded: Set<number>;
  /** Songs that it has downloaded whose work has not come by here. */
  readonly expected: Set<number>;
}

/**
 * Simulates songs that all wait at the beginning, on instances that take one activity at a time, the one that is ready
 * first. `costs` are those of each song, or of every one of so many.
 */
export function simulate(
  costs: Costs | readonly Costs[],
  {
    instances,
    songs,
    order = WORKER_ORDER,
    pollSeconds = POLL_SECONDS,
  }: { instances: number; songs?: number; order?: Order; pollSeconds?: number },
): Simulated {
  const costsOf = Array.isArray(costs)
    ? (costs as readonly Costs[])
    : new Array<Costs>(songs ?? 1).fill(costs as Costs);
  const pool = Array.from(
    { length: instances },
    (): Instance => ({ free: 0, decoded: new Set(), expected: new Set() }),
  );
  const queue: Activity[] = costsOf.map(({ download }, song) => ({
    song,
    stage: 'download',
    seconds: download,
    ready: pollSeconds,
  }));
  const open = costsOf.map(({ parts }) => parts.length + 1);
  const worked = costsOf.map(() => 0);
  const ended = costsOf.map(() => 0);
  while (queue.length > 0) {
    const instance = pool.reduce((a, b) => (b.free < a.free ? b : a));
    const next = queue.reduce((a, b, i) => (b.ready < queue[a].ready ? i : a), 0);
    const [activity] = queue.splice(next, 1);
    const { song, stage, seconds, ready } = activity;
    const begin = Math.max(instance.free, ready);
    if (order.downloadsMakeWay && stage === 'download' && !activity.madeWay && instance.expected.size > 0) {
      instance.free = begin + HAND_BACK_SECONDS;
      queue.push({ ...activity, ready: begin + MAKE_WAY_SECONDS + pollSeconds, madeWay: true });
      continue;
    }
    const decode = stage === 'work' && !instance.decoded.has(song) ? costsOf[song].decode : 0;
    if (stage !== 'publish') instance.decoded.add(song);
    instance.free = begin + decode + seconds;
    const after = instance.free + pollSeconds;
    if (stage === 'download') {
      const { analyze, parts } = costsOf[song];
      for (const work of [analyze, ...parts])
        queue.push({ song, stage: 'work', seconds: work, ready: after });
      instance.expected.add(song);
    } else if (stage === 'work') {
      instance.expected.delete(song);
      worked[song] = Math.max(worked[song], after);
      if (--open[song] > 0) continue;
      const { publish } = costsOf[song];
      if (order.late === 'queued')
        queue.push({ song, stage: 'publish', seconds: publish, ready: worked[song] });
      else {
        // The instance that ends last goes on.
        const last = pool.find(({ free }) => free === worked[song] - pollSeconds) ?? instance;
        last.free += publish;
        ended[song] = worked[song] - pollSeconds + publish;
      }
    } else ended[song] = instance.free;
  }
  return { seconds: Math.max(...ended), ended };
}

/** First come, first served: song after song, each with all instances for itself. When each has ended. */
export function firstComeFirstServed(
  costs: readonly Costs[],
  instances: number,
  pollSeconds?: number,
): number[] {
  let at = 0;
  return costs.map((song) => {
    at += simulate(song, { instances, songs: 1, pollSeconds }).seconds;
    return at;
  });
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
