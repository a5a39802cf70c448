/** What many songs at once wait for on this machine: the first result, all of them on average, and one long song. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { aPlace, end, startWorker } from '../test/support/commands.ts';
import { startReceiver } from '../test/support/receiver.ts';
import { writeTone } from '../test/support/tone.ts';
import { mean } from './simulation.ts';

export const SONGS = 25;
export const SHORT_SECONDS = 25;
export const LONG_SECONDS = 180;
const SHORT_BESIDE_LONG = 20;
const POLL_MS = 20;
/** Songs that are sent alone, before and after the many: the machine may be faster at one time than at another. */
const ALONE = 4;
/** Computing processes, in one host. */
const PROCESSES = 2;

export interface Queueing {
  /** Seconds of a short song alone, on average of some before and after; of the first of many; of all of them on average. */
  readonly alone: number;
  readonly first: number;
  readonly mean: number;
  /** First come, first served: song after song, each with both processes for itself, in the time of one alone. */
  readonly inTurn: number;
  /** A long song that is sent in the middle of many short ones; and where those before it and then it have both processes. */
  readonly longBeside: number;
  readonly longInTurn: number;
  /** When the last of those short ones had ended. */
  readonly shortsBeside: number;
}

export async function measureQueueing(settings: Record<string, string>): Promise<Queueing> {
  await using receiver = await startReceiver();
  const place = await aPlace({ ...settings, WORKERS: String(PROCESSES), CALLBACK_URL: receiver.url });
  const worker = await startWorker(place);
  try {
    const file = (seconds: number) => join(place.folder, `${seconds}.mp3`);
    for (const seconds of [SHORT_SECONDS, LONG_SECONDS])
      writeTone(file(seconds), { seconds, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });

    const ended = new Map<string, number>();
    /** Sends songs of these lengths at once; seconds until each is completed. */
    const send = async (name: string, lengths: readonly number[]): Promise<number[]> => {
      const songs = lengths.map((_, i) => `${name}-${i}`);
      // Not named as songs, so that they are sent when all are there.
      const blobs = await Promise.all(
        songs.map(async (id, i) => {
          const blob = place.container.getBlockBlobClient(`${id}/song`);
          await blob.uploadFile(file(lengths[i]));
          return blob.url;
        }),
      );
      const started = performance.now();
      for (const [i, audio_file_id] of songs.entries()) {
        const body = JSON.stringify({ audio_file_id, blob_uri: blobs[i] });
        await fetch(`${worker.url}/analyze`, { method: 'POST', body });
      }
      // Callbacks tell: to ask for so many songs all the time would take the worker's time.
      while (!songs.every((id) => ended.has(id))) {
        await pause(POLL_MS);
        for (const { body } of receiver.received) {
          const { audio_file_id, status } = JSON.parse(body);
          if (status === 'failed') throw new Error(`The song ${audio_file_id} failed: ${worker.log()}`);
          if (!ended.has(audio_file_id)) ended.set(audio_file_id, (performance.now() - started) / 1000);
        }
      }
      return songs.map((id) => ended.get(id)!);
    };

    await send('warm', [SHORT_SECONDS]);
    const single: number[] = [];
    const sendAlone = async () => {
      for (let n = 0; n < ALONE; n++) single.push(...(await send(`alone-${single.length}`, [SHORT_SECONDS])));
    };
    await sendAlone();
    const many = await send('many', new Array(SONGS).fill(SHORT_SECONDS));
    await sendAlone();
    const alone = mean(single);
    const [longAlone] = await send('long', [LONG_SECONDS]);
    const half = new Array(SHORT_BESIDE_LONG / 2).fill(SHORT_SECONDS);
    const mixed = await send('mixed', [...half, LONG_SECONDS, ...half]);
    const longBeside = mixed[half.length];
    return {
      alone,
      first: Math.min(...many),
      mean: mean(many),
      inTurn: (alone * (SONGS + 1)) / 2,
      longBeside,
      longInTurn: half.length * alone + longAlone,
      shortsBeside: Math.max(...mixed.filter((_, i) => i !== half.length)),
    };
  } finally {
    await end(worker.child, 'SIGKILL');
    place.remove();
  }
}

export function queueingReport(q: Queueing): string {
  const times = (a: number, b: number) => `${(a / b).toFixed(2)}x`;
  const row = (...cells: (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? `${cell.toFixed(1)} s` : cell)).join(' | ')} |`;
  return [
    `${SONGS} songs of ${SHORT_SECONDS} s sent at once to one host with ${PROCESSES} computing processes; then one of ${LONG_SECONDS} s in the middle of ${SHORT_BESIDE_LONG} short ones:`,
    '',
    '| | time | compared with | | ratio |',
    '| --- | --: | --- | --: | --: |',
    row('first result of many', q.first, 'a song alone', q.alone, times(q.first, q.alone)),
    row('mean completion', q.mean, 'first come, first served', q.inTurn, times(q.mean, q.inTurn)),
    row(
      'the long song',
      q.longBeside,
      'first come, first served',
      q.longInTurn,
      times(q.longBeside, q.longInTurn),
    ),
    row(
      'the last short song beside it',
      q.shortsBeside,
      'the long song',
      q.longBeside,
      times(q.shortsBeside, q.longBeside),
    ),
  ].join('\n');
}
