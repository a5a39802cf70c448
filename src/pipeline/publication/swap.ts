import { allSettled } from '../all-settled.ts';
import type { ResultDocument } from '../contracts.ts';
import { faultPoint } from '../fault-point.ts';
import type { StageContext } from '../stages/context.ts';
import { removeBlob, type Versioned, writeJson } from '../storage/container.ts';
import { jamsBlob, resultBlob } from '../storage/names.ts';
import { writeAnnotation } from './annotation.ts';
import type { NewStem, Publication, Target } from './targets.ts';

/**
 * Takes the earlier result away, replaces all files at once, and writes the new result. In between readers find no result:
 * three requests one after the other.
 *
 * @throws a conflict where a file changes meanwhile.
 */
export async function swap(
  stems: readonly NewStem[],
  targets: readonly Target[],
  earlier: Versioned<ResultDocument> | undefined,
  { result, jams, plan, frames }: Publication,
  { container }: StageContext,
): Promise<Versioned<ResultDocument>> {
  const id = result.audio_file_id;
  const annotation = targets.find(({ name }) => name === jamsBlob(id));
  if (earlier) await removeBlob(container, resultBlob(id), { ifMatch: earlier.etag });
  faultPoint('upload', 'withdrawn');
  const [jamsProof, stemResults] = await allSettled([
    writeAnnotation(container, id, jams, annotation?.properties),
    allSettled(stems.map(({ stem, standing }) => stem.commit(plan, frames, standing))),
  ]);
  faultPoint('upload', 'middle');
  const document: ResultDocument = { ...result, stems: stemResults, jams: jamsProof };
  const etag = await writeJson(container, resultBlob(id), document, { ifNoneMatch: '*' });
  return { document, etag };
}
