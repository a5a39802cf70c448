/** What a result document says of its files. */
import { isDeepStrictEqual } from 'node:util';
import type { FileProof, ResultDocument } from '../contracts.ts';
import { jamsBlob, stemBlob } from '../storage/names.ts';
import type { UnprovenStem } from '../storage/staged-stem.ts';

/** A file that a result names. Results from before there were proofs know their stems' lengths alone. */
export interface NamedFile {
  readonly name: string;
  readonly proof: Partial<FileProof>;
}

/** A result without what proves its files. */
export type UnprovenResult = Omit<ResultDocument, 'stems' | 'jams'> & {
  readonly stems: readonly UnprovenStem[];
};

export function filesOf({ audio_file_id: id, stems, jams }: ResultDocument): NamedFile[] {
  return [
    ...stems.map((stem) => ({ name: stemBlob(id, stem.stem_type), proof: stem })),
    { name: jamsBlob(id), proof: jams ?? {} },
  ];
}

/** Whether a result holds the checksum of each of its files: the last thing that is added to it. */
export const isProven = (result: ResultDocument): boolean =>
  filesOf(result).every(({ proof }) => proof.sha256 !== undefined || proof.etag === undefined);

/** Whether two results tell the same, whatever versions of the files they name. */
export function isSameResult(one: UnprovenResult, other: UnprovenResult): boolean {
  return isDeepStrictEqual(withoutProofs(one), withoutProofs(other));
}

/** A result with other ETags where `etagOf` gives one. */
export function withEtags(
  result: ResultDocument,
  etagOf: (file: NamedFile) => string | undefined,
): ResultDocument {
  const etags = new Map(filesOf(result).map((file) => [file.name, file.proof.etag && etagOf(file)]));
  const renewed = <T extends FileProof>(name: string, proof: T): T => {
    const etag = etags.get(name);
    return etag ? { ...proof, etag } : proof;
  };
  const { audio_file_id: id, stems, jams } = result;
  return {
    ...result,
    stems: stems.map((stem) => renewed(stemBlob(id, stem.stem_type), stem)),
    jams: jams && renewed(jamsBlob(id), jams),
  };
}

function withoutProofs(result: UnprovenResult): unknown {
  // Through JSON, as one of the two has come: what is undefined is not there.
  const { jams: _, stems, ...rest } = JSON.parse(JSON.stringify(result)) as ResultDocument;
  return { ...rest, stems: stems.map(({ etag: _, sha256: __, ...stem }) => stem) };
}
