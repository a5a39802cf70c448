import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ensureSpace, namingFullDisk } from '../audio/disk-space.ts';
import { scratchFolder } from '../audio/local-song.ts';
import { fromPcm16 } from '../audio/wav.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import type { Analysis, Chord } from '../mir/analysis.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import type { StageContext } from './context.ts';

/**
 * The chords of an analysed song by the separated stems that carry them. Null where the plan has no such stems, or they
 * hold no harmony.
 *
 * @throws WorkerError `work_lost` where segments of them are gone.
 */
export async function readStemChords(
  { source, plan, analysis }: { source: SourceInfo; plan: SeparationPlan; analysis: Analysis },
  { container, config, signal }: StageContext,
): Promise<readonly Chord[] | null> {
  if (plan.chord_stems.length === 0) return null;
  const copies = plan.chord_stems.map((stem) =>
    new MonoCopy(container, source.audio_file_id, stem, plan.run).read(plan),
  );
  // A folder of its own: an attempt that has run out of time may still be at work beside the next one.
  await using held = await scratchFolder(source, config);
  const folder = await mkdtemp(join(held.path, `chords-${held.id}-`));
  const song = join(folder, 'accompaniment.f32');
  try {
    const bytes = source.frames * Float32Array.BYTES_PER_ELEMENT;
    await held.makeRoom(bytes, signal);
    await ensureSpace(folder, bytes, config.minFreeDiskBytes);
    await pipeline(summed(copies), createWriteStream(song), { signal });
    for await (const message of runInChild({ kind: 'chords', song, analysis }, signal))
      if (message.kind === 'chords') return message.chords;
    throw new WorkerError('internal', 'No chords came from an analysis of stems.');
  } catch (error) {
    throw namingFullDisk(error, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The sum of equally long 16-bit signals, piece by piece, as float32 samples. */
async function* summed(signals: readonly AsyncGenerator<Buffer>[]): AsyncGenerator<Uint8Array> {
  for (;;) {
    const pieces = await Promise.all(signals.map((signal) => signal.next()));
    const sum = pieces.reduce<Float32Array | undefined>((total, { done, value }) => {
      if (done) return total;
      const samples = fromPcm16(value);
      return total ? total.map((v, i) => v + samples[i]) : samples;
    }, undefined);
    if (!sum) return;
    yield new Uint8Array(sum.buffer);
  }
}
