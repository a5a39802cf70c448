import type { ResultDocument } from '../../../src/pipeline/contracts.ts';

/** The results that undisturbed runs have had. */
export type KnownResults = readonly ResultDocument[];

/** Whether a result is of one song and one request throughout: its stems are those of one of the known results. */
export const isOneOf = (known: KnownResults, result: ResultDocument): boolean =>
  known.some((other) => isSame(other, result));

function isSame(known: ResultDocument, { source, separator, stems, analysis }: ResultDocument): boolean {
  return (
    known.source.sha256 === source.sha256 &&
    known.separator.model === separator.model &&
    JSON.stringify(known.analysis) === JSON.stringify(analysis) &&
    known.stems.length === stems.length &&
    known.stems.every(
      ({ stem_type, file_size_bytes, sha256 }, i) =>
        stem_type === stems[i].stem_type &&
        file_size_bytes === stems[i].file_size_bytes &&
        // They are added a moment after the rest.
        [undefined, sha256].includes(stems[i].sha256),
    )
  );
}
