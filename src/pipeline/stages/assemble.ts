import { basename } from 'node:path/posix';
import { type SeparationPlan, type SourceInfo, separatorInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { assembleJams } from '../jams/assemble.ts';
import { validateJams } from '../jams/validate.ts';
import type { Analysis } from '../mir/analysis.ts';
import { readJson, writeJson } from '../storage/container.ts';
import { analysisWorkBlob, jamsWorkBlob } from '../storage/names.ts';
import { tool } from '../version.ts';
import type { StageContext } from './context.ts';
import { readStemChords } from './stem-chords.ts';

/**
 * Makes the JAMS annotation of an analysed and separated song, validates it, and leaves it in a work blob. Chords that the
 * stems tell take the place of the mix's, in the analysis's work blob too; made again from that, they are the same.
 */
export async function assemble(
  { source, plan }: { source: SourceInfo; plan: SeparationPlan },
  context: StageContext,
): Promise<void> {
  const { container } = context;
  const mixAnalysis = await readAnalysis(container, source, plan);
  const chords = await readStemChords({ source, plan, analysis: mixAnalysis }, context);
  const analysis = chords ? { ...mixAnalysis, chords } : mixAnalysis;
  if (chords) await writeJson(container, analysisWorkBlob(source.audio_file_id, plan.run), analysis);
  const jams = assembleJams({
    analysis,
    chordSource: chords ? `${plan.chord_stems.join(', ')} by ${plan.model}` : 'mix',
    title: basename(source.blob_name),
    identifiers: { audio_file_id: source.audio_file_id, sha256: source.sha256 },
    tool,
    separation: { ...separatorInfo(plan), stems: plan.stems },
  });
  validateJams(jams);
  faultPoint('assemble', 'middle');
  await writeJson(container, jamsWorkBlob(source.audio_file_id, plan.run), jams);
}

/** The analysis that the stages before left. */
export async function readAnalysis(
  container: StageContext['container'],
  source: SourceInfo,
  plan: SeparationPlan,
): Promise<Analysis> {
  const analysis = await readJson<Analysis>(container, analysisWorkBlob(source.audio_file_id, plan.run));
  if (!analysis)
    throw new WorkerError(
      'work_lost',
      `The analysis of '${source.audio_file_id}' is gone from its work blob.`,
    );
  return analysis;
}
