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

/** Makes the JAMS annotation of an analysed song, validates it, and leaves it in a work blob. */
export async function assemble(
  { source, plan }: { source: SourceInfo; plan: SeparationPlan },
  { container }: StageContext,
): Promise<void> {
  const jams = assembleJams({
    analysis: await readAnalysis(container, source, plan),
    title: basename(source.blob_name),
    identifiers: { audio_file_id: source.audio_file_id, sha256: source.sha256 },
    tool,
    separation: { ...separatorInfo(plan), stems: plan.stems },
  });
  validateJams(jams);
  faultPoint('assemble', 'middle');
  await writeJson(container, jamsWorkBlob(source.audio_file_id, plan.run), jams);
}

/** The analysis that the stage `analyze` left. */
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
