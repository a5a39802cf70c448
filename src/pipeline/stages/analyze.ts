import { localSong } from '../audio/local-song.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { writeJson } from '../storage/container.ts';
import { analysisWorkBlob } from '../storage/names.ts';
import type { StageContext } from './context.ts';

/** Analyses the song and leaves the analysis in a work blob. */
export async function analyze(
  { source, plan }: { source: SourceInfo; plan: SeparationPlan },
  { container, config, signal }: StageContext,
): Promise<void> {
  await using song = await localSong(container, source, config, signal);
  for await (const message of runInChild({ kind: 'analyze', song: song.path }, signal)) {
    if (message.kind !== 'analysis')
      throw new WorkerError('internal', `A ${message.kind} came from an analysis.`);
    faultPoint('analyze', 'middle');
    await writeJson(container, analysisWorkBlob(source.audio_file_id, plan.run), message.analysis);
  }
}
